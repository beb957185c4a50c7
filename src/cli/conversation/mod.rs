//! `conversation`: what was said with agents.

mod transcript;
mod transfer;

use std::process::ExitCode;

use serde::Serialize;

use super::{
    Context, Failure,
    args::{self, Conversation},
    context::now,
    locate, metadata, parsed, table,
};
use crate::{
    conversation::{ConversationError, Excerpt, Interaction},
    json::Members,
    manager::{ManagerError, MetadataChange, Talk},
    session::{ConversationId, Session},
    view::{ChainView, CurrentView},
};

/// How much of an excerpt a table shows.
const SHOWN_CHARS: usize = 40;

#[derive(Serialize)]
struct SummaryView {
    session: String,
    name: String,
    agent: Option<String>,
    interactions: u64,
    conversations: usize,
    first: Option<String>,
    current: Option<String>,
    ids: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsView {
    session: String,
    name: String,
    agent: Option<String>,
    count: u64,
    current: Option<String>,
    first_interaction: Option<String>,
    last_interaction: Option<String>,
}

#[derive(Serialize)]
struct ValidView<'a> {
    id: &'a str,
    valid: bool,
}

/// Runs one of the commands; some answer by their exit code.
pub(super) fn run(mut context: Context, args: Conversation) -> Result<ExitCode, Failure> {
    let done = match args {
        Conversation::Record(args) => record(&mut context, args),
        Conversation::Current(args) => current(&mut context, &args.name),
        Conversation::Chain(args) => chain(&mut context, &args.name),
        Conversation::Summary(args) => summary(&mut context, &args.name),
        Conversation::Validate { name, id } => return validate(&mut context, &name, &id),
        Conversation::Reset(args) => reset(&mut context, &args.name),
        Conversation::Export { names, out } => transfer::export(&mut context, &names, out.as_deref()),
        Conversation::Import { files } => return transfer::import(&mut context, &files),
        Conversation::Clean { names, days } => transfer::clean(&mut context, &names, days),
        Conversation::Stats { names } => stats(&mut context, &names),
        Conversation::Health => return transcript::health(&mut context),
        Conversation::Check { name, file } => return transcript::check(&mut context, &name, file.as_deref()),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// 0 for yes, 1 for no.
fn answer(yes: bool) -> ExitCode {
    ExitCode::from(u8::from(!yes))
}

fn record(context: &mut Context, args: args::Record) -> Result<(), Failure> {
    let mut kept = Members::new();
    for text in &args.meta {
        if let MetadataChange::Set(key, value) = metadata(text)? {
            kept.set(&key, value);
        }
    }
    let excerpt = |text: Option<String>| text.map(|text| Excerpt::of(&text));
    let interaction = Interaction {
        id: parsed(args.id.as_ref())?,
        prompt: excerpt(args.prompt),
        response: excerpt(args.response),
        metadata: kept,
    };
    let talk = context.manager.record_interaction(&args.name, interaction)?;
    let view = CurrentView::of(&talk);
    let words = || {
        let id = view.current_id.as_deref().unwrap_or_default();
        format!("{}: interaction {} in {id}\n", view.name, view.interaction_count)
    };
    Ok(context.output.data(&view, words)?)
}

fn current(context: &mut Context, name: &str) -> Result<(), Failure> {
    let talk = context.manager.talk(name)?;
    let Some(current) = talk.current() else {
        let (name, source) = (talk.session.name().clone(), ConversationError::NoConversation);
        return Err(ManagerError::Chain { name, source }.into());
    };
    Ok(context.output.data(&CurrentView::of(&talk), || format!("{current}\n"))?)
}

fn chain(context: &mut Context, name: &str) -> Result<(), Failure> {
    let talk = context.manager.talk(name)?;
    let view = || ChainView::of(&talk);
    Ok(context.output.either(view, || entries_table(&talk))?)
}

fn summary(context: &mut Context, name: &str) -> Result<(), Failure> {
    let talk = context.manager.talk(name)?;
    let view = SummaryView::of(&talk);
    let none = || "-".to_owned();
    let words = || {
        let agent = view.agent.clone().unwrap_or_else(none);
        let mut text = format!(
            "agent          {agent}\ninteractions   {}\nconversations  {}\nfirst          {}\ncurrent        {}\n",
            view.interactions,
            view.conversations,
            view.first.clone().unwrap_or_else(none),
            view.current.clone().unwrap_or_else(none),
        );
        text.extend(view.ids.iter().map(|id| format!("               {id}\n")));
        text
    };
    Ok(context.output.data(&view, words)?)
}

fn validate(context: &mut Context, name: &str, id: &str) -> Result<ExitCode, Failure> {
    let known: ConversationId = id.parse()?;
    let valid = context.manager.talk(name)?.contains(&known);
    let words = if valid { "yes\n" } else { "no\n" };
    context.output.data(&ValidView { id, valid }, || words.to_owned())?;
    Ok(answer(valid))
}

fn reset(context: &mut Context, name: &str) -> Result<(), Failure> {
    let talk = context.manager.reset_conversation(name)?;
    let words = || format!("{}: the next conversation is the first one\n", talk.session.name());
    Ok(context.output.data(&CurrentView::of(&talk), words)?)
}

fn stats(context: &mut Context, names: &[String]) -> Result<(), Failure> {
    let talks = context.manager.talks(names)?;
    let views: Vec<StatsView> = talks.iter().map(StatsView::of).collect();
    let moment = now();
    let words = || {
        let mut rows = table::plain(&["NAME", "AGENT", "COUNT", "CURRENT", "FIRST", "LAST"]);
        for (talk, view) in talks.iter().zip(&views) {
            let stats = talk.chain.stats();
            let ago = |at: Option<_>| at.map_or_else(|| "-".to_owned(), |at| table::age(at, moment));
            let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            rows.add_row(table::row(&[
                view.name.clone(),
                shown(&view.agent),
                view.count.to_string(),
                shown(&view.current),
                ago(stats.first),
                ago(stats.last),
            ]));
        }
        table::render(&rows)
    };
    Ok(context.output.data(&views, words)?)
}

fn entries_table(talk: &Talk) -> String {
    let moment = now();
    let mut rows = table::plain(&["NUMBER", "AGO", "CONVERSATION", "PROMPT", "RESPONSE"]);
    for entry in talk.chain.entries() {
        rows.add_row(table::row(&[
            entry.interaction_count.to_string(),
            table::age(entry.created_at, moment),
            entry.id.to_string(),
            beginning(entry.last_prompt.as_ref()),
            beginning(entry.last_response.as_ref()),
        ]));
    }
    table::render(&rows)
}

/// The beginning of an excerpt, on one line.
fn beginning(excerpt: Option<&Excerpt>) -> String {
    let Some(excerpt) = excerpt else {
        return "-".to_owned();
    };
    let mut words = excerpt.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(SHOWN_CHARS) {
        words.truncate(at);
        words.push('…');
    }
    words
}

/// The id and the name of a session.
fn who(session: &Session) -> (String, String) {
    (session.id().to_string(), session.name().to_string())
}

impl SummaryView {
    fn of(talk: &Talk) -> Self {
        let CurrentView { session, name, agent, current_id: current, .. } = CurrentView::of(talk);
        let summary = talk.chain.summary();
        let mut ids: Vec<String> = summary.ids.iter().map(ToString::to_string).collect();
        if let Some(current) = current.as_ref().filter(|it| !ids.contains(it)) {
            ids.push(current.clone());
        }
        Self {
            session,
            name,
            agent,
            interactions: summary.interactions,
            conversations: ids.len(),
            first: ids.first().cloned(),
            current,
            ids,
        }
    }
}

impl StatsView {
    fn of(talk: &Talk) -> Self {
        let CurrentView { session, name, agent, current_id: current, .. } = CurrentView::of(talk);
        let stats = talk.chain.stats();
        Self {
            session,
            name,
            agent,
            count: stats.interactions,
            current,
            first_interaction: stats.first.map(|it| it.to_string()),
            last_interaction: stats.last.map(|it| it.to_string()),
        }
    }
}
