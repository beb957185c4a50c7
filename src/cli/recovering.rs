//! `restore`, `recover` and `doctor`.

use serde::Serialize;

use super::{Context, Failure, args, view};
use crate::{
    json::Members,
    manager::{Adopted, Change, Discarded, Finding, Restored, STATE_UNREADABLE, Scope, Severity},
    session::{Session, SessionName},
    store::{Note, Origin, Quarantined},
    text,
    view::{FindingView, mended},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RestoreView {
    restored: usize,
    sessions: Vec<Members>,
    damage: Option<String>,
    finished: Vec<String>,
    undone: Vec<String>,
    adopted: Vec<String>,
    changed: Vec<String>,
    mended: Vec<String>,
    failed: Vec<String>,
    quarantined: Vec<String>,
    notes: Vec<String>,
    left_alone: Vec<String>,
    not_set_up: Vec<String>,
    expired: Vec<String>,
}

#[derive(Serialize)]
struct RecoverView {
    sessions: Vec<Members>,
    damage: Option<String>,
    begun: Vec<String>,
    adopted: Vec<String>,
    changed: Vec<String>,
    mend: Vec<String>,
    quarantined: Vec<String>,
    expired: Vec<String>,
}

/// Brings every session back as idle.
pub(super) fn restore(context: Context) -> Result<(), Failure> {
    come_back(context, Scope::Start)
}

/// Rebuilds the registry from git, or says what that would change.
pub(super) fn recover(mut context: Context, args: &args::Recover) -> Result<(), Failure> {
    if !args.dry_run {
        return come_back(context, Scope::Now);
    }
    let foreseen = context.manager.weigh_recovery()?;
    let each = |all: &[(SessionName, &str)]| all.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let view = RecoverView {
        sessions: foreseen.sessions.iter().map(|it| view::record(&context, it)).collect(),
        damage: foreseen.damage.as_ref().map(damage),
        begun: each(&foreseen.begun),
        adopted: foreseen.adopted.iter().map(adopted).collect(),
        changed: foreseen.changes.iter().map(|it| changed(it, &foreseen.sessions)).collect(),
        mend: each(&foreseen.mend),
        quarantined: foreseen.quarantined.iter().map(quarantined).collect(),
        expired: foreseen.expired.iter().map(name_of).collect(),
    };
    Ok(context.output.data(&view, || planned(&view))?)
}

/// Says what is wrong, and cures it if asked.
pub(super) fn doctor(mut context: Context, args: &args::Doctor) -> Result<(), Failure> {
    if args.drop_quarantine {
        let dropped = context.manager.drop_quarantine()?;
        context.output.talk(&dropped.map_or_else(
            || "nothing is in quarantine\n".to_owned(),
            |(count, kept)| format!("{count} out of quarantine, all of it kept in {}\n", text::path(&kept)),
        ));
    }
    let findings: Vec<(Finding, Option<bool>)> = if args.fix {
        context.manager.cure()?.into_iter().map(|(finding, cured)| (finding, Some(cured))).collect()
    } else {
        let found = if args.quick { context.manager.check_up() } else { context.manager.examine() };
        found.into_iter().map(|finding| (finding, None)).collect()
    };
    let views: Vec<FindingView> = findings.iter().map(|(it, cured)| FindingView::of(it, *cured)).collect();
    context.output.data(&views, || match views.as_slice() {
        [] => "nothing is wrong\n".to_owned(),
        views => views.iter().map(FindingView::to_text).collect(),
    })?;
    // A health check fails when sessions cannot be kept; a full check when anything has to be done.
    let least = if args.quick { Severity::Error } else { Severity::Warning };
    let open = findings.iter().filter(|(it, cured)| it.severity >= least && *cured != Some(true)).count();
    // A table that cannot be read is one that no fix writes.
    let can_fix = !args.fix && !findings.iter().any(|(it, _)| it.code == STATE_UNREADABLE);
    if open > 0 { Err(Failure::Unhealthy { findings: open, can_fix }) } else { Ok(()) }
}

fn come_back(mut context: Context, scope: Scope) -> Result<(), Failure> {
    let restored = context.manager.restore(scope)?;
    let names = |sessions: &[Session]| sessions.iter().map(|it| it.name().to_string()).collect::<Vec<_>>();
    let mended = |(name, done): &(_, Vec<_>)| {
        format!("{name}: {}", done.iter().map(mended).collect::<Vec<_>>().join(", "))
    };
    let view = RestoreView {
        restored: restored.sessions.len(),
        sessions: restored.sessions.iter().map(|it| view::record(&context, it)).collect(),
        damage: restored.damage.as_ref().map(damage),
        finished: names(&restored.finished),
        undone: names(&restored.undone),
        adopted: restored.adopted.iter().map(adopted).collect(),
        changed: restored.changes.iter().map(|it| changed(it, &restored.sessions)).collect(),
        mended: restored.mended.iter().map(mended).collect(),
        failed: restored.failed.iter().map(|(name, because)| format!("{name}: {because}")).collect(),
        quarantined: restored.quarantined.iter().map(quarantined).collect(),
        notes: restored.notes.iter().map(note).collect(),
        left_alone: restored
            .left_alone
            .iter()
            .map(|it| format!("{}: {}", it.path.display(), it.because))
            .collect(),
        not_set_up: restored.not_set_up.iter().map(ToString::to_string).collect(),
        expired: restored.expired.iter().map(name_of).collect(),
    };
    Ok(context.output.data(&view, || told(&restored, &view))?)
}

fn told(restored: &Restored, view: &RestoreView) -> String {
    let mut lines = vec![format!("{} restored", text::count(view.restored, "session"))];
    lines.extend(restored.sessions.iter().map(|session| {
        format!("  {}  {}  {}", session.name(), session.status(), text::line(session.branch().as_str()))
    }));
    lines.extend(view.damage.iter().map(|damage| format!("state file: {}", text::line(damage))));
    let again = |name: &String| format!("{name}: `wharf setup {name}` goes on with it");
    let not_set_up: Vec<String> = view.not_set_up.iter().map(again).collect();
    for (word, facts) in [
        ("finished", &view.finished),
        ("undone", &view.undone),
        ("adopted", &view.adopted),
        ("changed", &view.changed),
        ("mended", &view.mended),
        ("not mended", &view.failed),
        ("quarantined", &view.quarantined),
        ("note", &view.notes),
        ("left alone", &view.left_alone),
        ("not set up", &not_set_up),
        ("expired", &view.expired),
    ] {
        lines.extend(labelled(word, facts));
    }
    joined(lines)
}

fn planned(view: &RecoverView) -> String {
    let there = text::count(view.sessions.len(), "session");
    let mut lines = vec![format!("{there} would be there, nothing was written")];
    lines.extend(view.damage.iter().map(|damage| format!("state file: {}", text::line(damage))));
    for (word, facts) in [
        ("begun", &view.begun),
        ("adopt", &view.adopted),
        ("change", &view.changed),
        ("mend", &view.mend),
        ("quarantined", &view.quarantined),
        ("expired", &view.expired),
    ] {
        lines.extend(labelled(word, facts));
    }
    joined(lines)
}

fn name_of(discarded: &Discarded) -> String {
    discarded.session.name().to_string()
}

fn quarantined(quarantined: &Quarantined) -> String {
    format!("{}: {}", quarantined.because, quarantined.summary())
}

fn labelled(word: &str, facts: &[String]) -> Vec<String> {
    facts.iter().map(|fact| format!("{word}: {}", text::line(fact))).collect()
}

fn joined(mut lines: Vec<String>) -> String {
    lines.push(String::new());
    lines.join("\n")
}

fn adopted(adopted: &Adopted) -> String {
    let how =
        if adopted.from_record { "with its record" } else { "without a record, named after its branch" };
    format!("{} ({}), {how}", adopted.name, adopted.id)
}

fn changed(change: &Change, sessions: &[Session]) -> String {
    let name = |id| {
        let session = sessions.iter().find(|it| it.id() == id);
        session.map_or_else(|| id.to_string(), |it| it.name().to_string())
    };
    match change {
        Change::Branch { id, from, to } => format!("{}: its worktree is on {to}, not on {from}", name(*id)),
        Change::Repository { id, from, to } => {
            format!("{}: its repository is in {to} now, not in {from}", name(*id))
        }
        Change::Corrected { id } => {
            format!("{}: git and the backup agree against the damaged file", name(*id))
        }
        Change::Dropped { id } => format!("{id}: neither git nor a backup knows it"),
        Change::Destroyed { id } => format!("{id}: it lies in the trash"),
    }
}

fn damage(origin: &Origin) -> String {
    match origin {
        Origin::Absent => "it is missing; rebuilt from git".to_owned(),
        Origin::File => "sound".to_owned(),
        Origin::Unsigned => "it has no checksum".to_owned(),
        Origin::Suspect => "its checksum does not fit; held against git and the backups".to_owned(),
        Origin::Backup { number, because } => format!("{because}; taken from backup {number}"),
        Origin::Lost { because } => format!("{because}; rebuilt from git"),
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::PathIgnored { id, stored } => format!("{id}: the stored path {stored} is not used"),
        Note::Kept { path } => format!("the broken state file is kept as {}", path.display()),
    }
}
