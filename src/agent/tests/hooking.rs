use serde_json::Value;

use super::*;

/// Settings of a person, with everything that is hard to keep.
const SETTINGS: &str = r#"{
    "permissions": {"allow": ["Bash(ls:*)"],   "deny":[]},
    "big": 123456789012345678901234567890, "odd": 1e400,
    "hooks": {
        "Stop": [
            {"matcher": "", "hooks": [{ "type": "command", "command": "say \u0064one" }]}
        ],
        "PreToolUse": [],
        "Other": []
    },
    "twice": 1, "twice": 2
}
"#;

fn with(agent: &str, settings: &str) -> Hooked {
    builtin(agent).with_hooks("wharf", settings, Path::new("x.json")).unwrap()
}

fn without(agent: &str, settings: &str, made: &[String]) -> String {
    without_hooks(&agent.parse().unwrap(), settings, made, Path::new("x.json")).unwrap()
}

#[test]
fn every_event_has_its_command() {
    for agent in ["claude", "codex", "gemini"] {
        let settings: Value = serde_json::from_str(&builtin(agent).settings_text("wharf").unwrap()).unwrap();
        let hooks = settings["hooks"].as_object().unwrap();
        assert_eq!(hooks.len(), builtin(agent).hooks().unwrap().events.len());
        for (event, groups) in hooks {
            let handler = &groups[0]["hooks"][0];
            assert_eq!(handler["command"], format!("wharf hook {agent} {event}"));
            assert_eq!(handler["type"], "command");
        }
    }
    assert_eq!(builtin("opencode").settings_text("wharf"), None);
    assert_eq!(builtin("shell").settings_text("wharf"), None);
}

#[test]
fn what_a_person_wrote_stays_to_the_letter() {
    let hooked = with("claude", SETTINGS);
    assert!(hooked.text.contains("\"wharf hook claude Stop\""));
    for line in
        SETTINGS.lines().filter(|line| !line.contains("[]") && !line.ends_with(']') && !line.ends_with('}'))
    {
        assert!(hooked.text.contains(line), "{line}\n{}", hooked.text);
    }
    assert!(
        hooked.text.contains("\n            {\n                \"hooks\": ["),
        "indented as theirs\n{}",
        hooked.text
    );
    assert_eq!(without("claude", &hooked.text, &hooked.made), SETTINGS);
}

#[test]
fn settings_of_any_shape_come_back() {
    for settings in [
        "{}",
        "{\n}\n",
        r#"{"a":1}"#,
        "{\"a\":1,\"hooks\":{\"Stop\":[]}}",
        "{\n\t\"a\": [\n\t\t1\n\t]\n}",
        r#"{"hooks":{"Stop":[{"hooks":[]}],"SessionEnd":[1,"x",{"a":"{"}]}}"#,
        "\r\n{\r\n  \"hooks\": {\"Stop\" : [ 1 , 2 ] } ,\r\n  \"é\": \"}\"\r\n}\r\n",
    ] {
        let hooked = with("claude", settings);
        serde_json::from_str::<Value>(&hooked.text).unwrap();
        let again = with("claude", &hooked.text);
        assert_eq!((again.text, again.made.len()), (hooked.text.clone(), 0), "twice is as once");
        let back = without("claude", &hooked.text, &hooked.made);
        let expected = if settings == "{\n}\n" { "{}\n" } else { settings };
        assert_eq!(back, expected);
        assert_eq!(without("claude", &back, &hooked.made), expected);
    }
}

#[test]
fn what_is_added_later_stays() {
    let hooked = with("claude", "{}");
    let mut value: Value = serde_json::from_str(&hooked.text).unwrap();
    value["hooks"]["Stop"].as_array_mut().unwrap().insert(0, "mine".into());
    value["model"] = "big".into();
    let back: Value = serde_json::from_str(&without("claude", &value.to_string(), &hooked.made)).unwrap();
    assert_eq!(back, serde_json::json!({ "hooks": { "Stop": ["mine"] }, "model": "big" }));
}

#[test]
fn a_command_of_a_wharf_elsewhere_is_brought_up_to_date() {
    let old = builtin("claude").with_hooks("/old place/wharf", "{}", Path::new("x")).unwrap();
    assert!(old.text.contains("'/old place/wharf' hook claude Stop"));
    let new = with("claude", &old.text);
    assert!(!new.text.contains("/old place"), "{}", new.text);
    assert_eq!(without("claude", &new.text, &old.made), "{}");
}

#[test]
fn what_only_looks_like_ours_stays() {
    for group in [
        r#"{"hooks":[{"type":"command","command":"other hook claude Stop"}]}"#,
        r#"{"hooks":[{"type":"command","command":"wharf hook claude Stop; mine"}]}"#,
        r#"{"hooks":[{"type":"command","command":"wharf hook codex Stop"}]}"#,
        r#"{"matcher":"x","hooks":[{"type":"command","command":"wharf hook claude Stop"}]}"#,
        r#"{"hooks":[{"type":"command","command":"wharf hook claude Stop","async":true}]}"#,
        r#"{"hooks":[{"type":"prompt","command":"wharf hook claude Stop"}]}"#,
    ] {
        let settings = format!(r#"{{"hooks":{{"Stop":[{group}]}}}}"#);
        assert_eq!(without("claude", &settings, &["hooks".to_owned(), "hooks.Stop".to_owned()]), settings);
    }
}

#[test]
fn settings_that_cannot_be_changed_are_refused_with_their_place() {
    let refused = |settings: &str| {
        let err = builtin("claude").with_hooks("wharf", settings, Path::new("x.json")).unwrap_err();
        let cause = std::error::Error::source(&err).map(ToString::to_string).unwrap_or_default();
        format!("{err}: {cause}")
    };
    for (settings, said) in [
        ("{\n  \"a\": 1,\n}", "line 3 column 1"),
        ("{\n  // mine\n}", "line 2 column 3"),
        ("", "line 1 column 0"),
        ("[]", "line 1 column 0"),
        ("{} {}", "line 1 column 4"),
        (r#"{"hooks":[]}"#, "`hooks` in it is not an object"),
        (r#"{"hooks":{"Stop":{}}}"#, "`hooks.Stop` in it is not a list"),
    ] {
        let text = refused(settings);
        assert!(text.contains(said), "{settings}: {text}");
    }
    let err = builtin("shell").with_hooks("wharf", "{}", Path::new("x")).unwrap_err();
    assert!(matches!(err, AgentError::NoHooks { .. }));
}

#[test]
fn a_plugin_names_the_program_as_a_string() {
    let text = builtin("opencode").whole_text("/a \"b\"/wharf").unwrap();
    assert!(text.contains(r#"const wharf = "/a \"b\"/wharf""#) && !text.contains('@'), "{text}");
    assert_eq!(builtin("claude").whole_text("wharf"), None);
}
