//! How the objects inside a session's record are written: base, process, issue, editor, journal.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::Text;
use crate::{
    clock::Timestamp,
    session::{
        Agent, AgentName, Base, BranchFate, BranchName, Cause, CommitId, ConversationId, Editor, Ending, How,
        Issue, IssueRef, IssueRefError, Label, Pending, PendingAction, ProcessId, SessionName,
    },
};

/// The highest pid that a kernel gives.
const PID_MAX: u32 = i32::MAX.cast_unsigned();

/// Why an object inside a record is not what it should be.
#[derive(Debug, Error)]
pub(super) enum PartError {
    #[error("{pid} is not the pid of a process")]
    Pid { pid: u32 },
    #[error("`pid`, `started` and `boot` stand together or not at all")]
    HalfProcess,
    #[error("a process ends with a code or by a signal, not with both")]
    TwoEnds,
    #[error("a renaming has the name and the branch it leads to")]
    HalfRenaming,
    #[error(transparent)]
    Issue(#[from] IssueRefError),
}

#[derive(Serialize, Deserialize)]
pub(super) struct BaseRecord {
    commit: Text<CommitId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

impl BaseRecord {
    #[expect(clippy::unnecessary_wraps, reason = "it stands beside conversions that fail")]
    pub(super) fn into_value(self) -> Result<Base, PartError> {
        Ok(Base { commit: self.commit.0, reference: self.reference })
    }
}

impl From<&Base> for BaseRecord {
    fn from(base: &Base) -> Self {
        Self { commit: Text(base.commit.clone()), reference: base.reference.clone() }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct AgentRecord {
    name: Text<AgentName>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conversation: Option<Text<ConversationId>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    reports: bool,
}

impl AgentRecord {
    #[expect(clippy::unnecessary_wraps, reason = "it stands beside conversions that fail")]
    pub(super) fn into_value(self) -> Result<Agent, PartError> {
        Ok(Agent {
            name: self.name.0,
            arguments: self.arguments,
            conversation: self.conversation.map(|it| it.0),
            reports: self.reports,
        })
    }
}

impl From<&Agent> for AgentRecord {
    fn from(agent: &Agent) -> Self {
        Self {
            name: Text(agent.name.clone()),
            arguments: agent.arguments.clone(),
            conversation: agent.conversation.clone().map(Text),
            reports: agent.reports,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProcessRecord {
    pub(super) pid: u32,
    pub(super) started: u64,
    pub(super) boot: String,
}

impl ProcessRecord {
    pub(super) fn into_value(self) -> Result<ProcessId, PartError> {
        if !(1..=PID_MAX).contains(&self.pid) {
            return Err(PartError::Pid { pid: self.pid });
        }
        Ok(ProcessId { pid: self.pid, started: self.started, boot: self.boot })
    }
}

impl From<&ProcessId> for ProcessRecord {
    fn from(process: &ProcessId) -> Self {
        Self { pid: process.pid, started: process.started, boot: process.boot.clone() }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EndedRecord {
    pub(super) at: Text<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) signal: Option<i32>,
    pub(super) cause: Text<Label>,
}

impl EndedRecord {
    pub(super) fn into_value(self) -> Result<Ending, PartError> {
        let how = match (self.code, self.signal) {
            (Some(code), None) => How::Exited(code),
            (None, Some(signal)) => How::Signalled(signal),
            (None, None) => How::Unseen,
            (Some(_), Some(_)) => return Err(PartError::TwoEnds),
        };
        let cause = match self.cause.0.as_str() {
            "itself" => Cause::Itself,
            "asked" => Cause::Asked,
            "shutdown" => Cause::Shutdown,
            "restart" => Cause::Restart,
            "lost" => Cause::Lost,
            _ => Cause::Unknown(self.cause.0),
        };
        Ok(Ending { at: self.at.0, how, cause })
    }
}

impl From<&Ending> for EndedRecord {
    fn from(ending: &Ending) -> Self {
        let (code, signal) = match ending.how {
            How::Exited(code) => (Some(code), None),
            How::Signalled(signal) => (None, Some(signal)),
            How::Unseen => (None, None),
        };
        let word = |word: &str| word.parse().expect("a short word is a label");
        let cause = match &ending.cause {
            Cause::Itself => word("itself"),
            Cause::Asked => word("asked"),
            Cause::Shutdown => word("shutdown"),
            Cause::Restart => word("restart"),
            Cause::Lost => word("lost"),
            Cause::Unknown(cause) => cause.clone(),
        };
        Self { at: Text(ending.at), code, signal, cause: Text(cause) }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct IssueRecord {
    repository: String,
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Text<Label>>,
    #[serde(default)]
    intervention: bool,
}

impl IssueRecord {
    pub(super) fn into_value(self) -> Result<Issue, PartError> {
        Ok(Issue {
            reference: IssueRef::new(&self.repository, self.number)?,
            label: self.label.map(|label| label.0),
            intervention: self.intervention,
        })
    }
}

impl From<&Issue> for IssueRecord {
    fn from(issue: &Issue) -> Self {
        Self {
            repository: issue.reference.repository().to_owned(),
            number: issue.reference.number(),
            label: issue.label.clone().map(Text),
            intervention: issue.intervention,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EditorRecord {
    name: Text<Label>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boot: Option<String>,
}

impl EditorRecord {
    pub(super) fn into_value(self) -> Result<Editor, PartError> {
        let process = match (self.pid, self.started, self.boot) {
            (None, None, None) => None,
            (Some(pid), Some(started), Some(boot)) => {
                Some(ProcessRecord { pid, started, boot }.into_value()?)
            }
            (_, _, _) => return Err(PartError::HalfProcess),
        };
        Ok(Editor { name: self.name.0, process })
    }
}

impl From<&Editor> for EditorRecord {
    fn from(editor: &Editor) -> Self {
        let process = editor.process.as_ref();
        Self {
            name: Text(editor.name.clone()),
            pid: process.map(|process| process.pid),
            started: process.map(|process| process.started),
            boot: process.map(|process| process.boot.clone()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PendingRecord {
    action: ActionWord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch_is_new: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delete_branch: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Text<SessionName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    branch: Option<Text<BranchName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Text<CommitId>>,
    worker: ProcessRecord,
    since: Text<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ActionWord {
    Creating,
    Destroying,
    BringingBack,
    Renaming,
}

impl PendingRecord {
    /// A journal that does not say so has neither made a branch nor may delete one.
    pub(super) fn into_value(self) -> Result<Pending, PartError> {
        let action = match self.action {
            ActionWord::Creating => {
                PendingAction::Creating { branch_is_new: self.branch_is_new.unwrap_or(false) }
            }
            ActionWord::Destroying => PendingAction::Destroying {
                branch: if self.delete_branch.unwrap_or(false) {
                    BranchFate::Delete
                } else {
                    BranchFate::Keep
                },
            },
            ActionWord::BringingBack => PendingAction::BringingBack,
            ActionWord::Renaming => {
                let (Some(name), Some(branch)) = (self.name, self.branch) else {
                    return Err(PartError::HalfRenaming);
                };
                PendingAction::Renaming { name: name.0, branch: branch.0, at: self.at.map(|at| at.0) }
            }
        };
        Ok(Pending { action, worker: self.worker.into_value()?, since: self.since.0 })
    }
}

impl From<&Pending> for PendingRecord {
    fn from(pending: &Pending) -> Self {
        let mut record = Self {
            action: ActionWord::BringingBack,
            branch_is_new: None,
            delete_branch: None,
            name: None,
            branch: None,
            at: None,
            worker: ProcessRecord::from(&pending.worker),
            since: Text(pending.since),
        };
        match &pending.action {
            PendingAction::Creating { branch_is_new } => {
                record.action = ActionWord::Creating;
                record.branch_is_new = Some(*branch_is_new);
            }
            PendingAction::Destroying { branch } => {
                record.action = ActionWord::Destroying;
                record.delete_branch = Some(match branch {
                    BranchFate::Keep => false,
                    BranchFate::Delete => true,
                });
            }
            PendingAction::BringingBack => (),
            PendingAction::Renaming { name, branch, at } => {
                record.action = ActionWord::Renaming;
                record.name = Some(Text(name.clone()));
                record.branch = Some(Text(branch.clone()));
                record.at = at.clone().map(Text);
            }
        }
        record
    }
}
