use crate::support::Workspace;

/// A workspace with a session that runs this script.
fn script(text: &str) -> Workspace {
    let space = Workspace::with_sessions(1);
    space.run(["start", "s1", "--", "bash", "--norc", "-c", text]).succeeds();
    space
}

#[track_caller]
fn until(space: &Workspace, text: &str) {
    let goal = format!("text:{text}");
    space.run(["wait", "s1", "--for", &goal, "--timeout", "30s"]).succeeds();
}

#[test]
fn what_is_sent_is_typed() {
    let space = script("read -r line; echo \"<$line>\"; read -rsn1 key; printf '%q.' \"$key\"; cat");
    space.run(["send", "s1", "héllo 世界", "--enter"]).succeeds();
    until(&space, "<héllo 世界>");
    space.run(["send", "s1", "--key", "ctrl-a"]).succeeds();
    until(&space, r"\$'\\001'\.");
}

#[test]
fn a_key_interrupts() {
    let space = script("trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.05; done");
    until(&space, "ready");
    space.run(["send", "s1", "--key", "ctrl-c"]).succeeds();
    space.run(["wait", "s1", "--for", "exit", "--timeout", "30s"]).succeeds();
    space.run(["logs", "s1"]).succeeds().says("interrupted");
}

#[test]
fn cursor_keys_have_the_form_the_program_asked_for() {
    let read = "read -rsn3 key; printf '%q\\n' \"$key\"";
    let space = script(&format!("stty -echo; {read}; printf '\\033[?1h'; echo switched; {read}; cat"));
    space.run(["send", "s1", "--key", "up"]).succeeds();
    until(&space, r"\$'\\E\[A'");
    until(&space, "switched");
    space.run(["send", "s1", "--key", "up"]).succeeds();
    until(&space, r"\$'\\EOA'");
}

#[test]
fn a_paste_is_marked_where_the_program_knows_pastes() {
    let space = script("printf '\\033[?2004h'; stty -icanon -echo; echo ready; cat -v");
    until(&space, "ready");
    space.run(["send", "s1", "one", "--paste"]).succeeds();
    until(&space, r"\^\[\[200~one\^\[\[201~");
}

#[test]
fn a_long_text_comes_from_standard_input() {
    let space = script("stty -icanon -echo; echo ready; head -c 200000 | wc -c; cat");
    until(&space, "ready");
    let file = space.path("long.log");
    std::fs::write(&file, "x".repeat(200_000)).unwrap();
    let mut command = space.command();
    command.args(["send", "s1", "-"]).stdin(std::fs::File::open(file).unwrap());
    assert!(command.status().unwrap().success());
    until(&space, "^200000");
}

#[test]
fn what_a_program_does_not_read_is_not_blamed_on_its_holder() {
    let space = script("stty raw -echo; echo ready; sleep 3000");
    until(&space, "ready");
    let file = space.path("long.log");
    std::fs::write(&file, "x".repeat(8 << 20)).unwrap();
    let mut command = space.command();
    command.args(["send", "s1", "-"]).stdin(std::fs::File::open(&file).unwrap());
    crate::support::Ran { output: command.output().unwrap() }.fails(4).says("the program does not read");
    std::fs::write(&file, "x".repeat((16 << 20) + 1)).unwrap();
    let mut command = space.command();
    command.args(["send", "s1", "-"]).stdin(std::fs::File::open(&file).unwrap());
    crate::support::Ran { output: command.output().unwrap() }.fails(1).says("cannot read /dev/stdin");
    space.run(["stop", "s1", "--timeout", "0"]).succeeds();
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_typed() {
    let space = script("cat");
    space.run(["send", "s1", "typed", "--key", "f13"]).fails(2).says("f13");
    space.run(["send", "s1", "--key", "enter", "marker"]).succeeds();
    until(&space, "marker");
    assert!(!space.run(["screen", "s1"]).stdout().contains("typed"));
}

#[test]
fn the_screen_is_text_colours_or_cells() {
    let space = script("printf '\\033[31mred\\033[0m plain\\n'; cat");
    until(&space, "red plain");
    assert_eq!(space.run(["screen", "s1"]).stdout(), "red plain\n");
    assert!(space.run(["screen", "s1", "--ansi"]).stdout().contains("\x1b["));
    let cells = space.json(["screen", "s1"]);
    let first = &cells["cells"][0][0];
    assert_eq!((&first["text"], &first["foreground"]), (&"r".into(), &"1".into()));
    assert_eq!(cells["rows"], 24);
}
