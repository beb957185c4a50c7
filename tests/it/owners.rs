//! What belongs to whom: files of the owner that root touches, and a socket that somebody else answers.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    process::{Command, Stdio},
};

use wharf::terminal::{Connection, TerminalError};

use crate::support::{STATE, Workspace, means};

const SOMEBODY: u32 = 12_345;

/// In a container one command is run with `-u 0`, and everything after it is not.
#[test]
fn a_command_run_as_root_does_not_lock_the_owner_out() {
    let space = Workspace::empty();
    let give = |name: &str| chown(space.path(name), Some(SOMEBODY), Some(SOMEBODY));
    if give(".").is_err() {
        means::left_out("only root can give a folder away");
        return;
    }
    fs::write(space.path(STATE), r#"{"version":"1.0","sessions":[]}"#).unwrap();
    give(STATE).unwrap();
    space.run(["restore"]).succeeds();
    assert!(space.state()["checksum"].is_string(), "it was written anew");
    for name in [STATE, ".claude-container-sessions.lock"] {
        assert_eq!(fs::metadata(space.path(name)).unwrap().uid(), SOMEBODY, "{name}");
    }
}

/// A holder as ours is, to all appearances, that prints what it hears.
const HOLDER: &str = r#"
    $| = 1; $SIG{ALRM} = sub { exit 1 }; alarm 60;
    socket(S, PF_UNIX, SOCK_STREAM, 0) or die; bind(S, sockaddr_un($ARGV[0])) or die; listen(S, 5) or die;
    print "ready\n";
    accept(C, S) or die;
    my $hello = '{"protocol":1,"min":1,"id":"x","holder":1,"pid":1,"rows":24,"cols":80,"exited":null}';
    syswrite(C, pack("aVa*", "h", length $hello, $hello));
    while (sysread(C, $b, 4096)) { print $b }
"#;

/// Whoever answers at a socket sees every key that is typed.
#[test]
fn a_holder_of_another_user_is_not_talked_to() {
    if !means::root() {
        return;
    }
    let space = Workspace::empty();
    fs::set_permissions(space.root(), fs::Permissions::from_mode(0o777)).unwrap();
    let socket = space.path("it.sock");
    let mut perl = Command::new("perl");
    perl.args(["-MSocket", "-e", HOLDER]).arg(&socket).uid(SOMEBODY).gid(SOMEBODY).current_dir("/");
    let Ok(mut holder) = perl.stdout(Stdio::piped()).spawn() else {
        means::left_out("there is no perl");
        return;
    };
    let mut said = BufReader::new(holder.stdout.take().unwrap());
    let mut ready = String::new();
    said.read_line(&mut ready).unwrap();
    assert_eq!(ready, "ready\n");
    let refused = Connection::open(&socket).unwrap_err();
    assert!(matches!(refused, TerminalError::UnsafeFolder { .. }), "{refused}");
    assert!(refused.to_string().ends_with("is answered by another user"), "{refused}");
    let mut heard = Vec::new();
    said.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"", "it was told something");
    holder.wait().unwrap();
}
