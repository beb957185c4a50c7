use std::{env, fs, path::PathBuf, process::Command};

use crate::support::binary;

fn readme() -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The text between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let behind = text.split_once(begin).unwrap_or_else(|| panic!("no `{begin}`")).1;
    behind.split_once(end).unwrap().0
}

#[test]
fn the_tour_runs_as_it_stands() {
    let readme = readme();
    let tour = between(&readme, "```sh tour\n", "```");
    let dir = tempfile::tempdir().unwrap();
    let bin = PathBuf::from(binary().get_program());
    let path = env::join_paths(
        [bin.parent().unwrap().to_owned()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", tour]).current_dir(dir.path());
    shell.env_clear().env("PATH", path.unwrap()).env("HOME", dir.path()).env("GIT_CONFIG_NOSYSTEM", "1");
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{talk}");
    assert!(talk.contains("1 untracked file: login.txt (--untracked)"), "{talk}");
    for line in ["let them in", "2 sessions restored", "meta        owner = \"ann\"", "nothing is wrong"] {
        assert!(said.contains(line), "`{line}` is not in:\n{said}");
    }
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = readme();
    let table = between(&readme, "## Commands\n", "## ");
    let help = String::from_utf8(binary().arg("--help").output().unwrap().stdout).unwrap();
    let commands = between(&help, "Commands:\n", "\n\n");
    for line in commands.lines() {
        let name = line.trim().split(' ').next().unwrap();
        let named = [format!("`{name}`"), format!("`{name} "), format!(" {name} ")];
        assert!(name == "help" || named.iter().any(|it| table.contains(it)), "{name} is not in the table");
    }
}

#[test]
fn the_settings_in_the_readme_are_the_defaults() {
    let readme = readme();
    let shown = between(&readme, "```toml\n", "```");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, shown).unwrap();
    let settings = wharf::config::Settings::load(Some(&path), dir.path().join("none").as_path()).unwrap();
    assert_eq!(settings, wharf::config::Settings::default());
}

#[test]
fn the_state_file_in_the_readme_loads() {
    let readme = readme();
    let shown = between(&readme, "```json\n", "```");
    let space = crate::support::Workspace::new();
    let mut shown: serde_json::Value = serde_json::from_str(shown).unwrap();
    shown.as_object_mut().unwrap().remove("checksum");
    fs::write(space.path(crate::support::STATE), shown.to_string()).unwrap();
    assert_eq!(space.names(), ["auth"]);
}
