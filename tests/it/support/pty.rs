//! A person at a terminal: a program runs in a pseudo-terminal of its own, and what it shows is read with deadlines.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::Uid,
    pty::OpenptFlags,
    termios::{Termios, Winsize},
};
use wharf::screen::{Screen, Size};

use super::Workspace;

/// How long a test waits before it says that something does not come.
pub const PATIENCE: Duration = Duration::from_secs(30);
const SCROLLBACK_ROWS: usize = 20_000;

/// A terminal with a program in it.
pub struct Terminal {
    person: OwnedFd,
    /// Kept open, so that the terminal outlives the program.
    program: OwnedFd,
    child: Child,
    raw: Vec<u8>,
    screen: Screen,
}

impl Terminal {
    /// Runs `wharf` with these arguments at a terminal of 30 rows and 100 columns.
    pub fn run(space: &Workspace, args: &[&str]) -> Self {
        Self::run_in(space, args, Size::new(30, 100).unwrap())
    }

    /// Runs it at a terminal that belongs to another user.
    pub fn owned_by(space: &Workspace, args: &[&str], user: u32) -> Self {
        let owner = Uid::from_raw(user);
        Self::of_owner(Self::wharf(space, args), Size::new(30, 100).unwrap(), Some(owner))
    }

    /// Runs it at a terminal of this size.
    pub fn run_in(space: &Workspace, args: &[&str], size: Size) -> Self {
        Self::of(Self::wharf(space, args), size)
    }

    fn wharf(space: &Workspace, args: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(space.command().get_program()).args(args);
        command.env_clear().current_dir(space.root()).env("TERM", "xterm-256color");
        for (key, value) in space.command().get_envs() {
            command.env(key, value.unwrap());
        }
        command
    }

    /// Runs a person's own shell, in which `wharf` is to be found.
    pub fn shell(space: &Workspace) -> Self {
        Self::other_shell(space, &["bash", "--norc", "--noprofile"])
    }

    /// The same with another shell.
    pub fn other_shell(space: &Workspace, shell: &[&str]) -> Self {
        let mut command = Command::new("setsid");
        command.arg("--ctty").args(shell);
        command.env_clear().current_dir(space.root()).env("TERM", "xterm-256color").env("PS1", "person> ");
        let wharf = space.command();
        for (key, value) in wharf.get_envs() {
            command.env(key, value.unwrap());
        }
        let folder = Path::new(wharf.get_program()).parent().unwrap();
        command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
        Self::of(command, Size::new(30, 100).unwrap())
    }

    fn of(command: Command, size: Size) -> Self {
        Self::of_owner(command, size, None)
    }

    fn of_owner(mut command: Command, size: Size, owner: Option<Uid>) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let person = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&person).unwrap();
        rustix::pty::unlockpt(&person).unwrap();
        let program = rustix::pty::ioctl_tiocgptpeer(&person, flags).unwrap();
        resize(&person, size.rows(), size.cols());
        rustix::fs::fchown(&program, owner, None).unwrap();
        let stream = || Stdio::from(File::from(program.try_clone().unwrap()));
        let child = command.stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        let screen = Screen::new(size, SCROLLBACK_ROWS);
        let mut terminal = Self { person, program, child, raw: Vec::new(), screen };
        terminal.until_heard();
        terminal
    }

    /// Waits until a key that sends a signal would reach somebody, as it does wherever a shell has started something. A key
    /// that is pressed before goes to nobody.
    fn until_heard(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while rustix::termios::tcgetpgrp(&self.person).is_err() && !self.has_ended() {
            assert!(Instant::now() < deadline, "nobody takes the terminal");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The process in it.
    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        resize(&self.person, rows, cols);
        self.screen.resize(Size::new(rows, cols).unwrap());
    }

    /// Its modes.
    pub fn modes(&self) -> (rustix::termios::LocalModes, rustix::termios::InputModes) {
        let Termios { local_modes, input_modes, .. } = rustix::termios::tcgetattr(&self.program).unwrap();
        (local_modes, input_modes)
    }

    /// How much of what was typed nobody has read.
    pub fn unread(&self) -> u64 {
        rustix::io::ioctl_fionread(&self.program).unwrap()
    }

    /// Types.
    pub fn type_in(&self, text: &str) {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let count = rustix::io::write(&self.person, rest).unwrap();
            rest = &rest[count..];
        }
    }

    /// Waits until a text is among what is shown, on the screen.
    #[track_caller]
    pub fn until(&mut self, text: &str) -> String {
        self.until_so(text, |terminal| terminal.screen.text().contains(text));
        self.screen.text()
    }

    /// Waits until these bytes were sent to the terminal.
    #[track_caller]
    pub fn until_raw(&mut self, text: &str) {
        self.until_so(text, |terminal| {
            terminal.raw.windows(text.len()).any(|window| window == text.as_bytes())
        });
    }

    /// Waits until something is so, and says what when it does not come.
    #[track_caller]
    pub fn until_so(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            let is_late = !self.look(deadline);
            assert!(!is_late || is_so(self), "`{what}` does not come:\n{}", self.screen.text());
        }
    }

    /// Takes what comes within this time.
    pub fn look_on(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.look(deadline) {}
    }

    /// Whether the program in it ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until the program in it ended, and reads the rest.
    #[track_caller]
    pub fn ends(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.child.try_wait().unwrap();
            // Looking also makes room for what it wants to write.
            while self.look(Instant::now() + Duration::from_millis(10)) {}
            if let Some(status) = status {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end:\n{}", self.screen.text());
        }
    }

    /// What the screen shows.
    pub fn screen(&mut self) -> &mut Screen {
        &mut self.screen
    }

    /// The same, to look at only.
    pub fn seen(&self) -> &Screen {
        &self.screen
    }

    /// Everything that was sent to it.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Takes what comes next; whether something came in time.
    fn look(&mut self, deadline: Instant) -> bool {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).unwrap();
        let mut polled = [PollFd::from_borrowed_fd(self.person.as_fd(), PollFlags::IN)];
        if rustix::event::poll(&mut polled, Some(&left)).unwrap() == 0 {
            return false;
        }
        let mut buffer = vec![0; 64 << 10];
        let Ok(count @ 1..) = rustix::io::read(&self.person, &mut buffer) else {
            return false;
        };
        self.raw.extend_from_slice(&buffer[..count]);
        let fed = self.screen.feed(&buffer[..count]);
        if !fed.replies.is_empty() {
            rustix::io::write(&self.person, &fed.replies).unwrap();
        }
        true
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn resize(person: &OwnedFd, rows: u16, cols: u16) {
    let size = Winsize { ws_row: rows, ws_col: cols, ws_xpixel: 0, ws_ypixel: 0 };
    rustix::termios::tcsetwinsize(person, size).unwrap();
}
