//! `destroy`, `undo` and `trash`.

use serde::Serialize;

use super::{Context, Failure, args, context::now, parsed, setup, showing, table, view};
use crate::{
    json::Members,
    manager::{Comeback, Destroyed, Discarded, Obstacle, Permit, Permits, TakeDown},
    session::BranchFate,
    text,
    view::{ObstacleView, describe},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DestroyView {
    session: Members,
    destroyed: bool,
    branch_deleted: bool,
    losses: Vec<ObstacleView>,
    /// Of a dry run: whether it would go with these flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_go: Option<bool>,
}

/// Ends a session, or says what that would do.
pub(super) fn destroy(mut context: Context, args: &args::Destroy) -> Result<(), Failure> {
    let branch = fate(args.delete_branch);
    if args.dry_run {
        let weighed = context.manager.weigh_destroy(&args.name, branch)?;
        let refused = permits(args).refuse(&weighed.obstacles);
        let mut view = destroy_view(&context, &weighed, false);
        view.would_go = Some(refused.is_empty());
        return Ok(context.output.data(&view, || weighed_text(&weighed, &refused))?);
    }
    let how = TakeDown { permits: permits(args), branch, skip_teardown: args.no_teardown, force: args.force };
    let output = context.output;
    let destroyed = context.manager.take_down(&args.name, &how, &mut |heard| setup::hear(output, heard))?;
    let days = context.manager.settings().trash_days;
    let is_orphaned = context.manager.lacks_repository(&destroyed.session);
    context.output.data(&destroy_view(&context, &destroyed, true), || {
        let name = destroyed.session.name();
        if is_orphaned {
            let repository = text::line(destroyed.session.repository().as_str());
            return format!(
                "{name} is destroyed; its repository {repository} is gone, and once that is back `wharf undo {name}` brings it back for {days} days\n"
            );
        }
        let fate = match destroyed.branch {
            BranchFate::Keep => {
                format!("branch {} stays", text::line(destroyed.session.branch().as_str()))
            }
            BranchFate::Delete => {
                format!("branch {} is deleted", text::line(destroyed.session.branch().as_str()))
            }
        };
        format!("{name} is destroyed, {fate}; `wharf undo {name}` brings it back for {days} days\n")
    })?;
    Ok(())
}

/// Brings a destroyed session back.
pub(super) fn undo(mut context: Context, args: &args::Undo) -> Result<(), Failure> {
    let wanted = Comeback { name: parsed(args.new_name.as_ref())?, branch: parsed(args.branch.as_ref())? };
    let session = context.manager.undo(args.name.as_deref(), &wanted)?;
    showing::record(&context, session)
}

/// Lists or empties the trash.
pub(super) fn trash(mut context: Context, args: args::Trash) -> Result<(), Failure> {
    match args {
        args::Trash::List => {
            let discarded = context.manager.discarded()?;
            print_trash(&context, &discarded)
        }
        args::Trash::Empty { name, yes } => {
            let weighed = context.manager.weigh_trash(name.as_deref())?;
            if !yes && !weighed.is_empty() {
                let names: Vec<String> = weighed.iter().map(|it| it.session.name().to_string()).collect();
                let question = format!("Delete {} for good, with its uncommitted work?", names.join(", "));
                match context.output.confirm(&question)? {
                    Some(true) => (),
                    Some(false) => return Ok(()),
                    None => {
                        return Err(Failure::Unconfirmed { what: "emptying the trash" });
                    }
                }
            }
            let deleted = context.manager.empty_trash(name.as_deref())?;
            print_trash(&context, &deleted)
        }
    }
}

fn print_trash(context: &Context, discarded: &[Discarded]) -> Result<(), Failure> {
    let days = context.manager.settings().trash_days;
    let views: Vec<Members> = discarded.iter().map(|it| view::discarded(context, it)).collect();
    context.output.data(&views, || {
        let rows: Vec<_> =
            discarded.iter().map(|it| (it.session.clone(), it.trashed.destroyed, it.expires(days))).collect();
        let lacking = discarded.iter().filter(|it| context.manager.lacks_repository(&it.session));
        let told = lacking.map(|it| {
            let (name, repository) = (it.session.name(), text::line(it.session.repository().as_str()));
            format!("{name} cannot come back before its repository {repository} is there again\n")
        });
        table::trash(&rows, now()) + &told.collect::<String>()
    })?;
    Ok(())
}

fn fate(delete_branch: bool) -> BranchFate {
    if delete_branch { BranchFate::Delete } else { BranchFate::Keep }
}

fn permits(args: &args::Destroy) -> Permits {
    if args.force {
        return Permits::all();
    }
    let given = |permit: &Permit| match permit {
        Permit::Modified => args.modified,
        Permit::Untracked => args.untracked,
        Permit::Ignored => args.ignored,
        Permit::Unmerged => args.unmerged,
        Permit::InProgress => args.in_progress,
        Permit::Occupied => args.occupied,
        Permit::Running => args.running,
    };
    Permit::ALL.into_iter().filter(given).collect()
}

fn destroy_view(context: &Context, destroyed: &Destroyed, done: bool) -> DestroyView {
    DestroyView {
        session: view::record(context, &destroyed.session),
        destroyed: done,
        branch_deleted: done && destroyed.branch == BranchFate::Delete,
        losses: destroyed.obstacles.iter().map(ObstacleView::from).collect(),
        would_go: None,
    }
}

fn weighed_text(weighed: &Destroyed, refused: &[Obstacle]) -> String {
    let name = weighed.session.name();
    if weighed.obstacles.is_empty() {
        return format!("{name} can be destroyed, nothing would be lost\n");
    }
    let mut out = format!("{name} would take this along:\n");
    for obstacle in &weighed.obstacles {
        out.push_str("  ");
        out.push_str(&describe(obstacle));
        out.push('\n');
    }
    let flags: Vec<String> =
        refused.iter().filter_map(Obstacle::permit).map(|permit| format!("--{}", permit.flag())).collect();
    let would = if refused.iter().any(|it| it.permit().is_none()) {
        "it would not go: somebody has to unmount or unlock first".to_owned()
    } else if flags.is_empty() {
        "with these flags it would go".to_owned()
    } else {
        format!("it would not go without {}", flags.join(" "))
    };
    out + &would + "\n"
}
