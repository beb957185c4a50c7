use std::error::Error as _;

use super::*;
use crate::{
    limits::{Limits, ShellLimits},
    session::Command,
};

fn load(user: &str, workspace: &str) -> Result<Settings, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        crate::atomic::replace(&path, text.as_bytes(), crate::atomic::Durability::Crash).unwrap();
        path
    };
    Settings::load(Some(&write("user.toml", user)), &write("workspace.toml", workspace))
}

#[test]
fn missing_files_give_the_defaults() {
    let nowhere = Path::new("/nonexistent/config.toml");
    let settings = Settings::load(Some(nowhere), nowhere).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings.sessions_max.get(), 4);
    assert_eq!(settings.trash_days, 7);
    assert_eq!(settings.editor.as_str(), "code");
}

#[test]
fn the_workspace_goes_over_the_user() {
    let settings =
        load("max_sessions = 8\n[trash]\ndays = 1\n[git]\ntrust_hooks = true\n", "max_sessions = 9\n")
            .unwrap();
    assert_eq!(settings.sessions_max.get(), 9);
    assert_eq!(settings.trash_days, 1);
    assert!(settings.trust_hooks);
}

#[test]
fn every_setting_is_taken() {
    let text = "max_sessions = 1\n[trash]\ndays = 0\n[log]\ndays = 3\n[git]\ntime_limit = 5\n[editor]\nname = \"nvim\"\n";
    let settings = load("", text).unwrap();
    assert_eq!(settings.sessions_max.get(), 1);
    assert_eq!(settings.trash_days, 0);
    assert_eq!(settings.log_days.get(), 3);
    assert_eq!(settings.git_time_limit, Duration::from_secs(5));
    assert_eq!(settings.editor.as_str(), "nvim");
}

#[test]
fn a_workspace_cannot_lift_the_guard_on_hooks() {
    let err = load("", "[git]\ntrust_hooks = true\n").unwrap_err();
    assert!(err.to_string().ends_with("`git.trust_hooks` can only be set in the user's own file"), "{err}");
    assert!(!load("[git]\ntrust_hooks = true\n", "[git]\ntrust_hooks = false\n").unwrap().trust_hooks);
}

#[test]
fn what_cannot_be_used_names_file_and_key() {
    for text in ["max_sessions = 0", "[log]\ndays = 0", "[git]\ntime_limit = 0", "[editor]\nname = \"\""] {
        let err = load("", text).unwrap_err();
        assert!(matches!(err, ConfigError::Value { .. }), "{text}: {err}");
        assert!(err.to_string().contains("workspace.toml"), "{err}");
    }
    for text in ["max_session = 1", "max_sessions = -1", "max_sessions =", "[trash]\nweeks = 1"] {
        let err = load("", text).unwrap_err();
        assert!(matches!(err, ConfigError::Parse { .. }), "{text}: {err}");
        assert!(err.source().unwrap().to_string().contains("line"), "{err}");
    }
}

#[test]
fn a_folder_or_a_huge_file_is_no_settings_file() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Settings::load(None, dir.path()), Err(ConfigError::Io { .. })));
    let huge = "#".repeat(usize::try_from(CONFIG_BYTES_MAX).unwrap() + 1);
    assert!(matches!(load("", &huge), Err(ConfigError::Io { .. })));
}

#[test]
fn the_users_folder_follows_the_platform() {
    let with = |pairs: &'static [(&str, &str)]| {
        move |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| PathBuf::from(value))
    };
    let unix = |pairs| user_folder_from(with(pairs), false);
    assert_eq!(unix(&[("HOME", "/home/u")]), Some("/home/u/.config/wharf".into()));
    assert_eq!(unix(&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "/x")]), Some("/x/wharf".into()));
    assert_eq!(unix(&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "x")]), Some("/home/u/.config/wharf".into()));
    assert_eq!(unix(&[]), None);
    let windows = user_folder_from(with(&[("USERPROFILE", "C:/Users/u"), ("HOME", "/h")]), true);
    assert_eq!(windows, Some("C:/Users/u/.wharf".into()));
}

#[test]
fn every_setting_of_terminals_is_taken() {
    let text = "[terminal]\nscrollback = 0\nlog_size = 65536\nclients = 1\nqueue = 65536\nframe = 65536\nquiet = 3\nactivity = false\nrunning_max = 2\ndetach_key = 'ctrl-B'\nstop_timeout = 0\n";
    let terminal = load("[terminal]\nshell = [\"bash\", \"-l\"]\nkeep = [\"daemon\"]\nquiet = 9\n", text)
        .unwrap()
        .terminal;
    let expected = TerminalSettings {
        limits: Limits {
            scrollback_rows_max: 0,
            log_bytes_max: 65_536,
            clients_max: 1,
            queue_bytes_max: 65_536,
            frame_bytes_max: 65_536,
            quiet: Some(Duration::from_secs(3)),
            activity: false,
        },
        running_max: NonZeroUsize::new(2),
        detach_key: "ctrl-b".parse().unwrap(),
        shell: Some(Command::of(vec!["bash".to_owned(), "-l".to_owned()]).unwrap()),
        keep: vec!["daemon".to_owned()],
        stop_timeout: Duration::ZERO,
    };
    assert_eq!(terminal, expected);
    assert_eq!(load("[terminal]\nquiet = 0", "").unwrap().terminal.limits.quiet, None);
    let shell = load("[terminal]\nshell = \"/bin/zsh\"", "").unwrap().terminal.shell;
    assert_eq!(shell.unwrap().words(), ["/bin/zsh"]);
}

#[test]
fn a_value_of_terminals_that_is_out_of_range_names_its_key() {
    for (key, value) in [
        ("scrollback", "1000001"),
        ("log_size", "65535"),
        ("clients", "0"),
        ("clients", "1001"),
        ("queue", "0"),
        ("frame", "65535"),
        ("frame", "1048577"),
        ("quiet", "86401"),
        ("running_max", "0"),
        ("detach_key", "\"b\""),
        ("detach_key", "\"ctrl-m\""),
        ("stop_timeout", "86401"),
    ] {
        let err = load("", &format!("[terminal]\n{key} = {value}")).unwrap_err();
        assert!(matches!(err, ConfigError::Value { .. }), "{key}: {err}");
        assert!(err.to_string().contains(&format!("`terminal.{key}` is ")), "{err}");
    }
    for shell in ["\"\"", "[]"] {
        let err = load(&format!("[terminal]\nshell = {shell}"), "").unwrap_err();
        assert!(err.to_string().contains("`terminal.shell` is a program"), "{err}");
    }
    for keep in ["[\"\"]".to_owned(), "[\"/bin/x\"]".to_owned(), format!("[{}]", "\"x\", ".repeat(101))] {
        let err = load(&format!("[terminal]\nkeep = {keep}"), "").unwrap_err();
        assert!(err.to_string().contains("`terminal.keep` is a list"), "{err}");
    }
}

#[test]
fn a_workspace_can_name_neither_the_program_that_runs_nor_what_outlives_it() {
    for (key, value) in [("shell", "\"./evil\""), ("keep", "[\"evil\"]")] {
        let err = load("", &format!("[terminal]\n{key} = {value}\n")).unwrap_err().to_string();
        assert!(err.ends_with(&format!("`terminal.{key}` can only be set in the user's own file")), "{err}");
    }
}

#[test]
fn only_the_user_describes_agents() {
    let aider = "[agents.aider]\nstart = [\"aider\"]\n";
    let agents = load(aider, "").unwrap().agents;
    assert_eq!(agents.find(&"aider".parse().unwrap()).unwrap().program(), "aider");
    let err = load("", aider).unwrap_err();
    assert!(err.to_string().ends_with("`agents` can only be set in the user's own file"), "{err}");
    let err = load("[agents.aider]\nstart = [\"{id}\"]\n", "").unwrap_err();
    assert!(err.to_string().contains("user.toml: `agents.aider.start` begins with a program"), "{err}");
    let err = load("[agents.aider]\nstrat = [\"aider\"]\n", "").unwrap_err();
    assert!(err.source().unwrap().to_string().contains("strat"), "{err}");
}

#[test]
fn every_setting_of_contexts_is_taken() {
    let text = "[shell]\nmax_cached_sessions = 2\nsave_interval_ms = 100\ntime_limit = 5\nidle = 6\noutput_kept = 0\nlog_size = 65536\nstate_size = 65536\ncallers = 1\n";
    let shell = load("[shell]\ninterpreter = \"bash\"\ncallers = 9\n", text).unwrap().shell;
    let limits = ShellLimits {
        live_max: 2,
        save_interval: Duration::from_millis(100),
        time_limit: Some(Duration::from_secs(5)),
        idle_max: Some(Duration::from_secs(6)),
        output_kept_max: 0,
        log_bytes_max: 65_536,
        state_bytes_max: 65_536,
        callers_max: 1,
    };
    assert_eq!(shell, ShellSettings { interpreter: "bash".to_owned(), limits });
    let limits = load("[shell]\ntime_limit = 0\nidle = 0\n", "").unwrap().shell.limits;
    assert_eq!((limits.time_limit, limits.idle_max), (None, None));
}

#[test]
fn a_value_of_contexts_that_is_out_of_range_names_its_key() {
    for (key, value) in [
        ("max_cached_sessions", "0"),
        ("max_cached_sessions", "1001"),
        ("save_interval_ms", "99"),
        ("save_interval_ms", "86400001"),
        ("time_limit", "86401"),
        ("idle", "86401"),
        ("output_kept", "16777217"),
        ("log_size", "65535"),
        ("log_size", "1099511627777"),
        ("state_size", "65535"),
        ("state_size", "268435457"),
        ("callers", "0"),
        ("callers", "1001"),
    ] {
        let err = load("", &format!("[shell]\n{key} = {value}")).unwrap_err();
        assert!(matches!(err, ConfigError::Value { .. }), "{key}: {err}");
        assert!(err.to_string().contains(&format!("`shell.{key}` is ")), "{err}");
    }
}

#[test]
fn a_workspace_cannot_name_the_interpreter() {
    let err = load("", "[shell]\ninterpreter = \"./evil\"\n").unwrap_err().to_string();
    assert!(err.ends_with("`shell.interpreter` can only be set in the user's own file"), "{err}");
}

#[test]
fn only_the_user_describes_interpreters() {
    let lua = "[interpreters.lua]\nstart = [\"lua\", \"-i\"]\nrun = \"{text} {stdout} {stderr}\"\nmark = \"{mark} {answer}\"\n";
    let user = format!("{lua}[shell]\ninterpreter = \"lua\"\n");
    let settings = load(&user, "").unwrap();
    assert_eq!(settings.interpreters.find("lua").unwrap().program(), "lua");
    assert_eq!(settings.shell.interpreter, "lua");
    let err = load("", lua).unwrap_err();
    assert!(err.to_string().ends_with("`interpreters` can only be set in the user's own file"), "{err}");
    let err = load(&lua.replace("{mark}", ""), "").unwrap_err();
    assert!(err.to_string().contains("user.toml: `interpreters.lua.mark` has `{mark}` in it"), "{err}");
    let err = load("[shell]\ninterpreter = \"lua\"\n", "").unwrap_err();
    assert!(err.to_string().contains("`shell.interpreter` is one of those"), "{err}");
}
