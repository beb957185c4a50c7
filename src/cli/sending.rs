//! `send`.

use super::{Context, Failure, args};
use crate::terminal::{Typing, is_key, type_into};

/// Types into a session; it is done when the program can read it.
pub(super) fn send(mut context: Context, args: &args::Send) -> Result<(), Failure> {
    for name in &args.key {
        if !is_key(name) {
            let wanted = "a key such as enter, ctrl-c, alt-x or f5";
            return Err(Failure::Value { given: name.clone(), wanted });
        }
    }
    let text = args.text.as_deref().map_or_else(|| Ok(Vec::new()), |text| text_of(&context, text))?;
    let session = context.manager.session(&args.name)?;
    let mut connection = context.connect(&session)?;
    let typing = Typing { text: &text, is_paste: args.paste, keys: &args.key, enter: args.enter };
    type_into(&mut connection, &typing).map_err(Failure::of_terminal(&session))
}

/// A text that was given, or standard input for `-`.
pub(super) fn text_of(context: &Context, text: &str) -> Result<Vec<u8>, Failure> {
    if text == "-" { Ok(context.output.read_input()?) } else { Ok(text.as_bytes().to_vec()) }
}
