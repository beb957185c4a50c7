//! The kinds of interpreters there are, and how each is described.

use std::fs;

use crate::support::Workspace;

#[test]
fn interpreters_are_listed_and_shown_as_they_could_stand_in_the_settings() {
    let space = Workspace::new();
    let list = space.json(["interpreter", "list"]);
    let bash = list.as_array().unwrap().iter().find(|it| it["name"] == "bash").unwrap();
    assert_eq!(
        (&bash["default"], &bash["keeps"], &bash["program"]),
        (&true.into(), &"state".into(), &"bash".into())
    );
    assert!(bash["found"].as_str().unwrap().ends_with("/bash"), "{bash}");
    space.run(["interpreter", "list"]).succeeds().says("bash *").says("KEEPS");

    let shown = space.run(["interpreter", "show", "bash"]).succeeds().stdout();
    assert!(shown.starts_with("[interpreters.bash]\n"), "{shown}");
    let folder = space.home().join(".config/wharf");
    fs::create_dir_all(&folder).unwrap();
    let settings =
        shown.replace("[interpreters.bash]", "[interpreters.mine]").replace("\"Bash\"", "\"My own\"");
    fs::write(folder.join("config.toml"), settings + "\n[shell]\ninterpreter = \"mine\"\n").unwrap();
    space.run(["interpreter", "list"]).succeeds().says("mine *").says("My own");
    assert_eq!(space.json(["interpreter", "show", "mine"])["title"], "My own");
    space.run(["interpreter", "show", "cobol"]).fails(3).says("wharf interpreter list");
}
