//! Contexts without sessions: a folder to work in, the holders of the binary, and callers that the test plays.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use wharf::{
    interpreter::Interpreters,
    limits::ShellLimits,
    session::SessionId,
    shell::{Caller, Done, HolderShells, Place, Request, ShellError, Shells as _, Stream, Unload},
    socket::{Folder, Post},
};

use super::{faults::script, pty::PATIENCE};

/// How the name of the socket of a context ends.
pub const SOCKET: &str = ".shell.sock";

/// A workspace without a repository, whose contexts end with it.
pub struct House {
    dir: TempDir,
    pub folder: Folder,
    pub shells: HolderShells,
    pub limits: ShellLimits,
}

/// What a command wrote, and what became of it.
#[derive(Debug)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub done: Done,
}

impl House {
    pub fn new() -> Self {
        Self::with(ShellLimits::default())
    }

    pub fn with(limits: ShellLimits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let runtime = root.join("run");
        let wharf = root.join("bin/wharf");
        let run = format!(
            "XDG_RUNTIME_DIR='{}' HOME='{}' exec '{}' \"$@\"",
            runtime.display(),
            root.display(),
            binary()
        );
        fs::create_dir_all(&runtime).unwrap();
        script(&wharf, &run);
        let folder = Folder::below(&runtime.join("wharf"), &root);
        let shells = HolderShells::of(wharf, folder.clone(), Interpreters::builtin(), "bash".to_owned());
        Self { dir, folder, shells, limits }
    }

    pub fn root(&self) -> PathBuf {
        fs::canonicalize(self.dir.path()).unwrap()
    }

    /// The context of a session that nobody has a table of.
    pub fn place(&self, id: SessionId) -> Place {
        let worktree = self.root().join(format!("work-{id}"));
        fs::create_dir_all(&worktree).unwrap();
        Place { id, name: "it".parse().unwrap(), workspace: self.root(), worktree, limits: self.limits }
    }

    /// Runs a command and waits for its end.
    #[track_caller]
    pub fn run(&self, id: SessionId, text: &str) -> Said {
        self.try_run(id, &request(text)).unwrap()
    }

    pub fn try_run(&self, id: SessionId, request: &Request) -> Result<Said, ShellError> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut output = |stream, bytes: &[u8]| -> io::Result<()> {
            match stream {
                Stream::Stdout => stdout.extend_from_slice(bytes),
                Stream::Stderr => stderr.extend_from_slice(bytes),
            }
            Ok(())
        };
        // A file that was just written may be open for writing in a child that another test is starting.
        let done = loop {
            let caller = Caller { stdin: None, cancel: None, output: &mut output };
            let done = self.shells.exec(&self.place(id), request, caller);
            let is_busy = |err: &ShellError| matches!(err, ShellError::Io { source, .. } if source.kind() == io::ErrorKind::ExecutableFileBusy);
            if !done.as_ref().is_err_and(is_busy) {
                break done?;
            }
        };
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ok(Said { stdout: text(stdout), stderr: text(stderr), done })
    }

    /// The pid of the holder of a context that lives.
    pub fn holder(&self, id: SessionId) -> u32 {
        let stream = self.knock(id);
        rustix::net::sockopt::socket_peercred(stream.as_fd())
            .unwrap()
            .pid
            .as_raw_nonzero()
            .get()
            .cast_unsigned()
    }

    /// A connection to the holder of a context that lives, on which nothing was said.
    pub fn knock(&self, id: SessionId) -> UnixStream {
        let stream = UnixStream::connect(self.folder.socket(id, Post::Shell)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection on which a command waits or runs.
    pub fn call(&self, id: SessionId, text: &str) -> UnixStream {
        let mut stream = self.knock(id);
        stream.write_all(&frame(b'T', text.as_bytes())).unwrap();
        stream.write_all(&frame(b'X', br#"{"protocol":1}"#)).unwrap();
        stream
    }

    /// How many contexts live.
    pub fn live(&self) -> usize {
        self.folder.taken(Post::Shell).unwrap().len()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        end_all(&self.root().join("run"));
    }
}

fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_wharf")
}

/// A command for the context as it is.
pub fn request(text: &str) -> Request {
    Request { text: text.into(), ..Request::default() }
}

/// A message as it travels.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The next message of a holder; nothing when it is gone.
pub fn hear(stream: &mut UnixStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head[0], payload))
}

/// Waits for a message of this kind, and passes over the others.
#[track_caller]
pub fn until(stream: &mut UnixStream, kind: u8) -> Vec<u8> {
    loop {
        let (found, payload) = hear(stream).unwrap_or_else(|| panic!("`{}` never came", char::from(kind)));
        if found == kind {
            return payload;
        }
    }
}

/// Waits until something is so.
#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Ends all contexts whose sockets lie below a folder.
pub fn end_all(runtime: &Path) {
    for folder in fs::read_dir(runtime.join("wharf")).into_iter().flatten().filter_map(Result::ok) {
        for file in fs::read_dir(folder.path()).into_iter().flatten().filter_map(Result::ok) {
            let is_socket = file.file_name().to_str().is_some_and(|name| name.ends_with(SOCKET));
            if let Some(mut stream) = is_socket.then(|| UnixStream::connect(file.path()).ok()).flatten() {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                drop(stream.write_all(&frame(b'U', b"\"now\"")));
                while hear(&mut stream).is_some() {}
            }
        }
    }
}

/// Has the context of a session unloaded.
pub fn unload(house: &House, id: SessionId) -> bool {
    house.shells.unload(id, Unload::WhenIdle).unwrap()
}
