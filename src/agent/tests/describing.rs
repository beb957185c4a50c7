use super::*;

#[test]
fn the_table_has_these_agents() {
    let names = Descriptions::builtin();
    let names: Vec<&str> = names.names().into_iter().map(AgentName::as_str).collect();
    assert_eq!(names, ["claude", "codex", "gemini", "opencode", "shell"]);
    assert_eq!(builtin("claude").title(), "Claude Code");
}

#[test]
fn what_hooks_tell_is_known_by_event() {
    for (agent, event, report) in [
        ("claude", "SessionStart", Report::Begin),
        ("claude", "Stop", Report::Answer),
        ("codex", "PermissionRequest", Report::Waiting),
        ("gemini", "BeforeAgent", Report::Prompt),
        ("gemini", "BeforeTool", Report::Active),
        ("opencode", "end", Report::End),
    ] {
        assert_eq!(builtin(agent).report(event), Some(report), "{agent} {event}");
    }
    assert_eq!(builtin("claude").report("Stopp"), None);
    assert_eq!(builtin("shell").report("Stop"), None);
    assert_eq!(builtin("codex").hook_file(), Some(Path::new(".codex/hooks.json")));
}

#[test]
fn an_agent_of_the_user_replaces_ours_as_a_whole() {
    let mut agents = Descriptions::builtin();
    agents.define("claude", toml::from_str("start = ['/opt/claude']").unwrap()).unwrap();
    agents.define("aider", toml::from_str("title = 'Aider'\nstart = ['aider']").unwrap()).unwrap();
    let claude = agents.find(&"claude".parse().unwrap()).unwrap();
    assert_eq!(
        (claude.title(), claude.program(), claude.has_conversations()),
        ("claude", "/opt/claude", false)
    );
    assert_eq!(agents.names().len(), 6);
}

#[test]
fn a_description_comes_back_from_what_is_shown() {
    for name in Descriptions::builtin().names() {
        let agent = builtin(name.as_str());
        let shown: BTreeMap<String, BTreeMap<String, Entry>> = toml::from_str(&agent.to_toml()).unwrap();
        let again = Description::of(name.as_str(), shown["agents"][name.as_str()].clone()).unwrap();
        assert_eq!(again.start, agent.start, "{name}");
        assert_eq!(again.entry.hooks, agent.entry.hooks, "{name}");
    }
}

#[test]
fn an_error_names_the_key() {
    const CLAUDE: &str = "start = ['x', '{id}']\nresume = ['x', '{id}']\n";
    let transcripts = |text: &str| format!("{CLAUDE}[transcripts]\n{text}");
    let hooks = |text: &str| format!("start = ['x']\n[hooks]\n{text}");
    for (text, said) in [
        ("start = []".to_owned(), "`agents.mine.start` begins with a program"),
        ("start = ['{id}']".to_owned(), "`agents.mine.start` begins with a program"),
        ("start = [['x']]".to_owned(), "`agents.mine.start` begins with a program"),
        ("start = ['x', '{nothing}']".to_owned(), "`agents.mine.start`: `{nothing}` has a placeholder"),
        ("start = ['x', 'a{id']".to_owned(), "`agents.mine.start`: `a{id` has a placeholder"),
        ("start = ['x', ['{arguments}']]".to_owned(), "`agents.mine.start`: `{arguments}` has a placeholder"),
        ("start = ['x', '{id}']".to_owned(), "`agents.mine.resume` is needed where `start` has"),
        ("start = ['x']\nresume = ['x']".to_owned(), "`agents.mine.resume` has `{id}` in it"),
        ("title = \"a\\u001b\"\nstart = ['x']".to_owned(), "`agents.mine.title` is a line of text"),
        (transcripts("home = []\nfiles = ['{id}']"), "`agents.mine.transcripts.home` is a list"),
        (transcripts("home = ['x']\nfiles = ['{id}']"), "`agents.mine.transcripts.home` is a list"),
        (transcripts("home = ['~/..']\nfiles = ['{id}']"), "`agents.mine.transcripts.home` is a list"),
        (transcripts("home = ['~']\nfiles = ['../{id}']"), "`agents.mine.transcripts.files` is a list"),
        (transcripts("home = ['~']\nfiles = ['*']"), "`agents.mine.transcripts.files` has `{id}`"),
        (transcripts("home = ['~']\nfiles = ['{id}{x}']"), "`agents.mine.transcripts.files`: `{id}{x}` has"),
        (hooks("file = '/etc/x'\nevents = { A = 'end' }"), "`agents.mine.hooks.file` is a path below"),
        (hooks("file = '.git/hooks/x'\nevents = { A = 'end' }"), "`agents.mine.hooks.file` is a path below"),
        (hooks("file = 'x'\nevents = {}"), "`agents.mine.hooks.events` has events"),
        (hooks("file = 'x'\nevents = { 'a;b' = 'end' }"), "`agents.mine.hooks.events` has events"),
    ] {
        let err = described(&text).unwrap_err().to_string();
        assert!(err.contains(said), "{text}\n{err}");
    }
    let err = Description::of("Mine", toml::from_str("start = ['x']").unwrap()).unwrap_err();
    assert!(err.to_string().contains("`Mine` is not the name of an agent"), "{err}");
}

#[test]
fn there_is_a_limit_to_agents_of_the_user() {
    let mut agents = Descriptions::builtin();
    let mut define =
        |number: usize| agents.define(&format!("a{number}"), toml::from_str("start = ['x']").unwrap());
    (0..OWN_AGENTS_MAX).for_each(|number| define(number).unwrap());
    define(0).unwrap();
    assert!(matches!(define(OWN_AGENTS_MAX), Err(AgentError::Entry { .. })));
}

#[test]
fn the_agent_in_the_readme_can_be_described() {
    let readme = include_str!("../../../README.md");
    let (_, shown) = readme.split_once("```toml\n[agents.mine]").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let shown = format!("[agents.mine]{shown}");
    let mut agents: BTreeMap<String, BTreeMap<String, Entry>> = toml::from_str(&shown).unwrap();
    let agent = Description::of("mine", agents.remove("agents").unwrap().remove("mine").unwrap()).unwrap();
    assert!(agent.mints_id() && agent.reads_prompt());
}
