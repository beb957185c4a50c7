//! A disk that fails, a path that is something else, a file that is damaged: nothing is lost, and the message says what to do.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Ran, STATE, Workspace, invariants, strace};

const TEMP: &str = ".claude-container-sessions.tmp";

/// What has to survive of every session.
fn essence(space: &Workspace) -> Vec<Value> {
    let keep = |it: &Value| json!([it["id"], it["name"], it["branch"], it["createdAt"], it["metadata"]]);
    space.sessions().iter().map(keep).collect()
}

fn with_notes(count: usize) -> Workspace {
    let space = Workspace::with_sessions(count);
    for number in 1..=count {
        let name = format!("s{number}");
        space.run(["meta", &name, "owner=ann", "big:=123456789012345678901234567890"]).succeeds();
        fs::write(space.worktree(&name).join("new.txt"), "new\n").unwrap();
    }
    space
}

/// RELIABILITY R2.
#[test]
fn a_call_that_fails_leaves_the_old_table_or_says_that_the_new_one_is_uncertain() {
    if !strace::is_there() {
        return;
    }
    let space = with_notes(1);
    let mut tried = 0;
    for call in ["openat", "write", "ftruncate", "fchmod", "fsync", "rename", "linkat"] {
        for error in ["EIO", "ENOSPC", "EDQUOT", "EROFS", "EBUSY", "EMFILE"] {
            for n in 1.. {
                space.fill_backups("s1");
                let before = fs::read(space.path(STATE)).unwrap();
                let value = format!("k:={tried}");
                let (ran, failed) = strace::failing_at(&space, ["meta", "s1", &value], call, error, n);
                if !failed {
                    break;
                }
                tried += 1;
                let after = fs::read(space.path(STATE)).unwrap();
                let at = format!("{call} {n} {error}: {}", ran.stderr());
                assert!(!space.path(TEMP).exists(), "{at}");
                match ran.output.status.code() {
                    Some(0) => (),
                    // The loader of the program itself could not start.
                    Some(127) => assert_eq!(after, before, "{at}"),
                    Some(1 | 3 | 9) => {
                        let said = ran.stderr();
                        let uncertain = ["may not be on the disk yet", "cannot write the output"]
                            .iter()
                            .any(|word| said.contains(word));
                        let is_new = after != before;
                        assert_eq!(is_new, uncertain, "{at}");
                        if call != "write" && !ran.stderr().is_empty() {
                            assert!(ran.error()["code"].is_string(), "{at}");
                        }
                    }
                    // It could not say anything, because that write failed.
                    other => panic!("{other:?} {at}"),
                }
                serde_json::from_slice::<Value>(&after).unwrap();
            }
        }
    }
    eprintln!("{tried} failing calls");
    invariants::restored(&space, &[], "failing calls");
}

/// A damage to the state file.
type Damage = (&'static str, fn(Vec<u8>) -> Vec<u8>);

const DAMAGES: [Damage; 9] = [
    ("empty", |_| Vec::new()),
    ("NULs", |bytes| vec![0; bytes.len()]),
    ("garbage", |_| b"\x7fELF not json".to_vec()),
    ("truncated", |bytes| bytes[..bytes.len() / 2].to_vec()),
    ("a byte order mark", |bytes| [b"\xef\xbb\xbf".to_vec(), bytes].concat()),
    ("a flipped bit in a name", |bytes| {
        String::from_utf8(bytes).unwrap().replace("\"s2\"", "\"r2\"").into_bytes()
    }),
    ("one bad among four", |bytes| {
        String::from_utf8(bytes).unwrap().replace("\"s3\"", "\"../s3\"").into_bytes()
    }),
    ("a session twice", |bytes| {
        let mut file: Value = serde_json::from_slice(&bytes).unwrap();
        let twin = file["sessions"][0].clone();
        file["sessions"].as_array_mut().unwrap().push(twin);
        serde_json::to_vec(&file).unwrap()
    }),
    ("hostile paths", |bytes| {
        let mut file: Value = serde_json::from_slice(&bytes).unwrap();
        for (session, path) in
            file["sessions"].as_array_mut().unwrap().iter_mut().zip(["/", "..", "/etc", ""])
        {
            session["worktreePath"] = path.into();
        }
        serde_json::to_vec(&file).unwrap()
    }),
];

/// SPEC CS-4.
#[test]
fn after_every_damage_all_sessions_come_back_and_the_broken_file_is_kept() {
    let space = with_notes(4);
    space.run(["restore"]).succeeds();
    let (before, sound) = (essence(&space), fs::read(space.path(STATE)).unwrap());
    for (name, damage) in DAMAGES {
        for without_backups in [false, true] {
            if without_backups && name == "a flipped bit in a name" {
                // One witness alone cannot tell damage from what a person meant to write.
                continue;
            }
            let broken = damage(sound.clone());
            fs::write(space.path(STATE), &broken).unwrap();
            for number in 1..=5 {
                let backup = if without_backups { b"broken too" } else { &*sound };
                fs::write(space.path(&format!("{STATE}.{number}")), backup).unwrap();
            }
            space.run(["restore"]).succeeds();
            assert_eq!(essence(&space), before, "{name}, backups broken: {without_backups}");
            let kept = fs::read_dir(space.root()).unwrap().map(|it| it.unwrap().path());
            let mut kept = kept.filter(|it| it.to_string_lossy().contains(".corrupt."));
            assert!(kept.any(|path| fs::read(path).unwrap() == broken), "{name} was not kept");
            for session in ["s1", "s2", "s3", "s4"] {
                assert_eq!(fs::read_to_string(space.worktree(session).join("new.txt")).unwrap(), "new\n");
            }
        }
    }
    let log = fs::read_dir(space.path(".wharf/log")).unwrap().next().unwrap().unwrap();
    let log = fs::read_to_string(log.path()).unwrap();
    assert!(log.contains("\"state file corrupt\"") && log.contains("\"sessions restored\",\"count\":4"));
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
}

#[test]
fn a_newer_file_is_left_to_the_byte() {
    let space = with_notes(1);
    let newer = fs::read_to_string(space.path(STATE)).unwrap().replace("\"1.0\"", "\"2.0\"");
    fs::write(space.path(STATE), &newer).unwrap();
    for args in [&["touch", "s1"][..], &["create", "x"], &["restore"], &["destroy", "s1"], &["list"]] {
        let ran = space.run(args.iter().chain(&["--json"])).fails(9);
        assert_eq!(ran.error()["code"], "STATE_NEWER", "{args:?}");
    }
    assert_eq!(fs::read_to_string(space.path(STATE)).unwrap(), newer);
    assert_eq!(space.worktrees(), 1);
}

/// SPEC CS-2.
#[test]
fn fields_of_others_survive_every_verb() {
    let space = with_notes(1);
    let theirs = r#""theirs": {"n": 123456789012345678901234567890.5e400, "n": 1}, "#;
    let text = fs::read_to_string(space.path(STATE)).unwrap();
    let text = text.replacen('{', &format!("{{{theirs}"), 1).replace("\"id\"", &format!("{theirs}\"id\""));
    fs::write(space.path(STATE), text).unwrap();
    let verbs = "restore|status s1 idle|meta s1 a=b|touch s1|phase s1 x|bind s1 --issue a/b#1|unbind s1|rename s1 t|\
                 destroy t --force|undo|create u|destroy u|rename t s1 --branch other";
    for verb in verbs.split('|') {
        space.run(verb.split(' ')).succeeds();
        let text: String = fs::read_to_string(space.path(STATE)).unwrap().split_whitespace().collect();
        let count = text.matches(r#""theirs":{"n":123456789012345678901234567890.5e400,"n":1}"#).count();
        assert_eq!(count, if verb.starts_with("destroy t") { 1 } else { 2 }, "{verb}: {text}");
    }
}

/// SPEC CS-3, RELIABILITY P2.
#[test]
fn only_a_process_that_is_proven_keeps_its_status() {
    let space = Workspace::with_sessions(4);
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    space.run(["editor", "set", "s1", "--pid", &pid.to_string()]).succeeds();
    let mut file = space.state();
    let editor = file["sessions"][0]["editor"].clone();
    let process =
        |pid: Value, started: Value| json!({"pid": pid, "started": started, "boot": editor["boot"]});
    let sessions = file["sessions"].as_array_mut().unwrap();
    sessions[0]["process"] = process(pid.into(), editor["started"].clone());
    sessions[1]["process"] = process(pid.into(), 1.into());
    sessions[2]["ptyPid"] = 1.into();
    sessions[3]["ptyPid"] = (-1).into();
    file.as_object_mut().unwrap().remove("checksum");
    fs::write(space.path(STATE), serde_json::to_vec(&file).unwrap()).unwrap();
    space.run(["restore"]).succeeds();
    let now = space.sessions();
    let status: Vec<&Value> = now.iter().map(|it| &it["status"]).collect();
    assert_eq!(status, ["active", "idle", "idle", "idle"]);
    assert!(now[1..].iter().all(|it| it["ptyPid"].is_null()), "{now:#?}");
    assert!(child.try_wait().unwrap().is_none(), "nobody signalled it");
    child.kill().unwrap();
    child.wait().unwrap();
    space.run(["restore"]).succeeds();
    assert_eq!(space.sessions()[0]["status"], "idle");
}

/// RELIABILITY R10.
#[test]
fn a_path_that_is_no_file_is_named_and_a_link_is_followed() {
    let space = with_notes(1);
    let (state, aside) = (space.path(STATE), space.path("aside.json"));
    fs::rename(&state, &aside).unwrap();
    fs::create_dir(&state).unwrap();
    space.run(["touch", "s1", "--json"]).fails(9).says("is not a regular file");
    fs::remove_dir(&state).unwrap();
    assert!(Command::new("mkfifo").arg(&state).status().unwrap().success());
    space.run(["list"]).fails(9).says("is not a regular file");
    fs::remove_file(&state).unwrap();
    symlink("aside.json", &state).unwrap();
    space.run(["touch", "s1"]).succeeds();
    assert!(fs::symlink_metadata(&state).unwrap().is_symlink());
    assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o600);
}

/// RELIABILITY R10: SIGXFSZ is an error of one write. And no more files can be opened.
#[test]
fn limits_of_the_process_end_in_an_error_and_the_old_table() {
    let space = with_notes(2);
    let before = fs::read(space.path(STATE)).unwrap();
    let mut tried = Vec::new();
    for limit in ["ulimit -f 1", "ulimit -n 3", "ulimit -n 4"] {
        let big = format!("k={}", "x".repeat(4000));
        let mut command = space.command();
        command.args(["meta", "s1", &big, "--json"]);
        let limited = format!("{limit}; exec \"$@\"");
        let output = strace::under(&["bash", "-c", &limited, "limited"], &command).output().unwrap();
        let ran = Ran { output };
        tried.push((limit, ran.output.status.code()));
        assert!(!ran.output.status.success(), "{limit}");
        assert!(ran.output.status.code().is_some(), "{limit} ended it: {:?}", ran.output.status);
        assert_eq!(fs::read(space.path(STATE)).unwrap(), before, "{limit}");
        assert!(!space.path(TEMP).exists(), "{limit}");
    }
    assert_eq!(tried[0].1, Some(1), "{tried:?}");
    invariants::restored(&space, &[], "limits");
}

/// A file with nothing but what SPEC CS-1 names.
#[test]
fn a_file_of_another_tool_loads_and_its_worktree_works() {
    let space = Workspace::new();
    let id = "0b54a7ea-6a1c-4d4c-9d93-5f3c8e2f6a10";
    let folder = space.path(".worktrees").join(id);
    space.git(["worktree", "add", "-q", "-b", "feature/theirs", folder.to_str().unwrap()]);
    let session = json!({"id": id, "name": "theirs", "status": "active", "branch": "feature/theirs",
        "worktreePath": folder, "createdAt": "2025-11-24T10:30:00.000Z", "lastActivity": "2025-11-24T10:31:00.000Z",
        "ptyPid": 4242, "currentPhase": "planning", "metadata": {"owner": "ann"}});
    fs::write(space.path(STATE), json!({"version": "1.0", "sessions": [session]}).to_string()).unwrap();
    assert_eq!(space.names(), ["theirs"]);
    space.run(["restore"]).succeeds();
    let record = space.json(["show", "theirs"]);
    assert_eq!((&record["status"], &record["ptyPid"]), (&json!("idle"), &Value::Null));
    assert_eq!(record["currentPhase"], "planning");
    fs::write(folder.join("new.txt"), "new\n").unwrap();
    space.run(["destroy", "theirs"]).fails(6);
    space.run(["destroy", "theirs", "--force"]).succeeds();
    space.run(["undo"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join("new.txt")).unwrap(), "new\n");
    invariants::restored(&space, &[], "a file of another tool");
}
