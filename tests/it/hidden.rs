//! A program runs, and its socket is not where it is looked for: its folder was removed, as at the end of a login, or it was
//! started with another one. It is reached all the same, and never taken for one that is gone.

use std::fs;

use crate::support::Workspace;

fn running() -> Workspace {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "sh", "-c", "echo begun; cat"]).succeeds();
    space.run(["wait", "s1", "--for", "text:begun", "--timeout", "30s"]).succeeds();
    space
}

#[test]
fn a_removed_folder_is_made_anew_by_who_looks() {
    let space = running();
    let token = space.socket("s1").with_extension("token");
    fs::remove_dir_all(space.runtime().join("wharf")).unwrap();
    space.run(["screen", "s1"]).succeeds().says("begun");
    assert_eq!((space.sockets().len(), token.exists()), (1, true));
    space.run(["start", "s1"]).fails(4).says("a program runs in it already");

    // The socket alone.
    fs::remove_file(space.socket("s1")).unwrap();
    space.run(["send", "s1", "typed", "--enter"]).succeeds();
    space.run(["wait", "s1", "--for", "text:typed", "--timeout", "30s"]).succeeds();
    fs::remove_dir_all(space.runtime().join("wharf")).unwrap();
    assert_eq!(space.json(["stop", "s1"])["ended"]["signal"], 1, "its holder has not ended it");
    assert!(space.sockets().is_empty());
}

#[test]
fn who_has_another_folder_reaches_it_too() {
    let space = running();
    let other = space.home().join("other");
    fs::create_dir(&other).unwrap();
    let env = [("XDG_RUNTIME_DIR", other.to_str().unwrap())];
    space.run_with(&env, &["screen", "s1"]).succeeds().says("begun");
    space.run_with(&env, &["wait", "s1", "--for", "exit", "--timeout", "300ms"]).fails(124);
    space.run_with(&env, &["start", "s1"]).fails(4).says("a program runs in it already");
    space.run_with(&env, &["stop", "s1"]).succeeds();
    assert_eq!(space.json(["show", "s1"])["ended"]["signal"], 1, "its holder has not ended it");
}

#[test]
fn where_there_is_no_place_for_a_socket_it_still_runs() {
    let space = running();
    let run = space.runtime();
    fs::rename(&run, space.home().join("away")).unwrap();
    let env = [("XDG_RUNTIME_DIR", run.to_str().unwrap())];
    // Asked through the environment, for the folder would be made otherwise.
    let command = |args: &[&str]| {
        let mut command = space.command();
        fs::remove_dir_all(&run).unwrap();
        command.args(args).envs(env);
        crate::support::Ran { output: command.output().unwrap() }
    };
    for args in [&["screen", "s1"][..], &["wait", "s1", "--for", "exit", "--timeout", "30s"]] {
        command(args).fails(7).says("it runs (its holder is process").says("make its folder anew");
    }
    command(&["start", "s1"]).fails(4);
    space.run(["screen", "s1"]).succeeds().says("begun");
}
