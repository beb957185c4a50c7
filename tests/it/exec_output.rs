//! How a command's output, exit code and end reach whoever called it.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Ran, Workspace, executing::Executing as _, processes};

/// Waits until a command runs in a session.
fn until_running(space: &Workspace, name: &str, program: &str) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let listed = space.run(["ps", name, "--json"]);
        let listed: Value = serde_json::from_slice(&listed.output.stdout).unwrap_or_default();
        let all = listed[0]["processes"].as_array().cloned().unwrap_or_default();
        if let Some(found) = all.iter().find(|it| it["name"] == program) {
            return u32::try_from(found["pid"].as_u64().unwrap()).unwrap();
        }
        assert!(Instant::now() < deadline, "{program} never runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

fn ended(child: Child) -> Ran {
    Ran { output: child.wait_with_output().unwrap() }
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    let space = Workspace::with_sessions(1);
    for code in [0, 1, 7, 255] {
        space.exec("s1", &format!("(exit {code})")).fails(code);
    }
    space.exec("s1", "sh -c 'kill -KILL $$'").fails(137);
    space.exec("s1", "if").fails(2);
    assert_eq!(space.exec_json("s1", "false")["code"], 1);
    space.run(["exec", "--json", "s1", "false"]).fails(1);
}

#[test]
fn output_is_passed_on_to_the_byte_and_apart() {
    let space = Workspace::with_sessions(1);
    let ran = space.exec("s1", r"printf 'a\377\033[1m\n\0b'; printf 'no end' >&2").succeeds();
    assert_eq!(ran.output.stdout, b"a\xff\x1b[1m\n\0b");
    assert_eq!(ran.output.stderr, b"no end");
    let done = space.exec_json("s1", r"printf 'a\377'; echo text >&2");
    assert_eq!((&done["stdoutBase64"], &done["stderr"]), (&json!("Yf8="), &json!("text\n")));
    assert!(done.get("stdout").is_none(), "{done}");
    assert_eq!((&done["stdoutBytes"], &done["stdoutCut"]), (&json!(2), &json!(false)));
}

#[test]
fn words_arrive_as_they_are_and_one_text_is_read_by_the_shell() {
    let space = Workspace::with_sessions(1);
    let words =
        ["exec", "s1", "printf", "%s|", "a  b", "it's", "", "$HOME", "*", "-n", "--json", "new\nline"];
    assert_eq!(space.run(words).succeeds().stdout(), "a  b|it's||$HOME|*|-n|--json|new\nline|");
    assert_eq!(space.run(["exec", "s1", "--", "printf", "%s", "--"]).succeeds().stdout(), "--");
    assert_eq!(space.exec("s1", "x='a  b'; echo $x").succeeds().stdout(), "a b\n");
    space.run(["exec", "s1"]).fails(2).says("COMMAND");
    space.run(["exec", "s1", "--timout", "1s", "true"]).fails(2);
}

#[test]
fn a_file_is_run_and_so_is_standard_input() {
    let space = Workspace::with_sessions(1);
    let file = space.home().join("setup.sh");
    fs::write(&file, "f() {\n  echo \"from $1\"\n}\nf file\n").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(space.run(["exec", "s1", "--file", path]).succeeds().stdout(), "from file\n");
    let mut command = space.command();
    command.args(["exec", "s1", "--file", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"f input\ncat").unwrap();
    assert_eq!(ended(child).succeeds().stdout(), "from input\n");
    space.run(["exec", "s1", "--file", "/nonexistent"]).fails(1).says("/nonexistent");
    space.run(["exec", "s1", "--file", path, "true"]).fails(2);
}

#[test]
fn ctrl_c_interrupts_the_command_and_the_context_goes_on() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    let child = space.spawn_exec("s1", &["echo begun; sleep 3000; echo never"]);
    let sleep = until_running(&space, "s1", "sleep");
    interrupt(&child);
    let ran = ended(child).fails(130);
    assert_eq!(ran.stdout(), "begun\n");
    assert!(!processes::is_alive(sleep));
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    let last = space.json(["history", "s1", "--limit", "2"])[0].clone();
    assert_eq!(last["finish"], "cancelled");
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let space = Workspace::with_sessions(1);
    let child = space.spawn_exec("s1", &["trap '' INT; sh -c 'trap \"\" INT TERM; sleep 3000'"]);
    until_running(&space, "s1", "sleep");
    interrupt(&child);
    let mut child = child;
    // The first one is being dealt with; whoever is out of patience leaves.
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        interrupt(&child);
        assert!(Instant::now() < deadline, "it never leaves");
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = child.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}

#[test]
fn a_command_whose_time_is_over_ends_with_all_it_started() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    let ran = space.run(["exec", "--timeout", "200ms", "s1", "sleep 3000 & echo $!; wait"]).fails(124);
    let pid: u32 = ran.stdout().trim().parse().unwrap();
    assert!(!processes::is_alive(pid));
    assert!(ran.stderr().contains("its time was over"), "{}", ran.stderr());
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
    let done = space.run(["exec", "--json", "--timeout", "200ms", "s1", "sleep 3000"]).fails(124).json();
    assert_eq!(done["finish"], "timed-out");
    space.run(["exec", "--timeout", "soon", "s1", "true"]).fails(2);
}

#[test]
fn an_exit_ends_the_context_and_says_so() {
    let space = Workspace::with_sessions(1);
    space.exec("s1", "kept=1").succeeds();
    let done = space.run(["exec", "--json", "s1", "echo bye; exit 9"]).fails(9).json();
    assert_eq!((&done["sessionEnded"], &done["stdout"]), (&json!(true), &json!("bye\n")));
    assert_eq!(space.exec("s1", "echo $kept").succeeds().stdout(), "1\n");
}

#[test]
fn a_hundred_megabytes_come_to_the_last_byte() {
    let space = Workspace::with_sessions(1);
    let mut child = space.spawn_exec("s1", &["head -c 100000000 /dev/zero; echo end >&2"]);
    let mut count = 0;
    let mut stdout = child.stdout.take().unwrap();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match stdout.read(&mut chunk).unwrap() {
            0 => break,
            more => count += more,
        }
    }
    assert_eq!(count, 100_000_000);
    assert_eq!(ended(child).succeeds().stderr(), "end\n");
    let entry = space.json(["history", "s1", "--output"])[0].clone();
    assert_eq!((&entry["stdout"]["bytes"], &entry["stdout"]["cut"]), (&json!(100_000_000), &json!(true)));
    let done = space.exec_json("s1", "head -c 9000000 /dev/zero | tr '\\0' x");
    assert_eq!((&done["stdoutBytes"], &done["stdoutCut"]), (&json!(9_000_000), &json!(true)));
    assert_eq!(done["stdout"].as_str().unwrap().len(), 8 << 20);
}

#[test]
fn whoever_stops_reading_ends_the_command_in_silence() {
    let space = Workspace::with_sessions(1);
    let mut child = space.spawn_exec("s1", &["kept=1; yes"]);
    let mut few = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut few).unwrap();
    let ran = ended(child);
    assert_eq!(ran.stderr(), "");
    assert_eq!(space.exec("s1", "echo goes on").succeeds().stdout(), "goes on\n");
    assert_eq!(space.json(["history", "s1", "--limit", "2"])[0]["finish"], "cancelled");
}

#[test]
fn a_stream_in_json_shows_each_piece_as_it_comes() {
    let space = Workspace::with_sessions(1);
    let mut command = space.command();
    command.args(["exec", "--json", "--stream", "s1", "echo one; read -r x; echo $x >&2"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut line = Vec::new();
    let mut byte = [0];
    while line.last() != Some(&b'\n') {
        stdout.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), json!({"stream": "stdout", "text": "one\n"}));
    // Only now does it go on, so that piece came while the command ran.
    stdin.write_all(b"two\n").unwrap();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let rest: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rest[0], json!({"stream": "stderr", "text": "two\n"}));
    assert_eq!((&rest[1]["code"], &rest[1]["stdoutBytes"]), (&json!(0), &json!(4)));
    assert_eq!(rest.len(), 2);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_background_job_goes_on_and_its_late_output_is_in_the_history() {
    let space = Workspace::with_sessions(1);
    let pipe = space.home().join("go");
    let text = format!("mkfifo {0}; (read -r x < {0}; echo late $x) & echo begun", pipe.display());
    assert_eq!(space.exec("s1", &text).succeeds().stdout(), "begun\n");
    assert_eq!(
        space.exec("s1", &format!("echo word > {}; echo own", pipe.display())).succeeds().stdout(),
        "own\n"
    );
    let deadline = Instant::now() + Duration::from_secs(30);
    while space.json(["history", "s1", "--output"])[0]["late"][0]["text"] != "late word\n" {
        assert!(Instant::now() < deadline, "it never comes");
    }
}

#[test]
fn nothing_that_a_command_prints_is_taken_for_its_end() {
    let space = Workspace::with_sessions(1);
    let text = "for i in 1 2 3; do env; set; done; printf 'no end'; exec 3>&-; true";
    space.exec("s1", text).succeeds();
    assert_eq!(space.exec("s1", "exec 1>&-; echo lost; exec 1>/dev/null").output.stdout, b"");
    assert_eq!(space.exec("s1", "echo back").succeeds().stdout(), "back\n");
}

#[test]
fn what_is_no_command_or_too_much_is_refused() {
    let space = Workspace::with_sessions(1);
    let file = space.home().join("nul");
    fs::write(&file, b"echo a\0b").unwrap();
    let ran = space.run(["exec", "--json", "s1", "--file", file.to_str().unwrap()]).fails(2);
    assert_eq!(ran.error()["code"], "INVALID_VALUE");
    space.run(["exec", "nobody", "true"]).fails(3).says("wharf list");
}

#[test]
fn a_command_that_would_wait_for_itself_is_refused() {
    let space = Workspace::with_sessions(2);
    let wharf = env!("CARGO_BIN_EXE_wharf");
    let text = format!("'{wharf}' exec s1 true; echo $?; '{wharf}' exec s2 'echo there'");
    space.exec("s1", &text).succeeds().says("4\nthere\n").says("whose next command begins when it has ended");
}
