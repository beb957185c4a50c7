mod calling;
mod describing;
mod finding;
mod hooking;
mod reading;

use super::*;

/// One of our own agents.
fn builtin(name: &str) -> Description {
    Descriptions::builtin().find(&name.parse().unwrap()).unwrap().clone()
}

/// An agent as a user describes it.
fn described(text: &str) -> Result<Description, AgentError> {
    Description::of("mine", toml::from_str(text).unwrap())
}
