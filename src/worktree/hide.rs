//! How a file that we made in a worktree is kept out of its `git status`.

use super::{
    Checkout, GitWorktrees, WorktreeError,
    command::GitCall,
    durable::replace_shared,
    exclude::EXCLUDE_BYTES_MAX,
    regular::read_regular,
    site::{io_error, make_folder},
};

/// What git answers when a file is not ignored.
const NOT_IGNORED: &[i32] = &[1];
/// What a pattern needs a backslash before.
const SPECIAL: [char; 5] = ['*', '?', '[', '\\', ' '];

impl GitWorktrees {
    pub(super) fn is_tracked_file(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError> {
        let folder = self.workspace.worktree(of.id);
        let call = GitCall::ask(&folder, &["ls-files", "-z", "--", file]).env("GIT_LITERAL_PATHSPECS", "1");
        Ok(!self.run(&call)?.stdout.is_empty())
    }

    /// Adds a line to the file of exclusions that all worktrees of the repository share, unless git does not show the
    /// file anyway; says whether it did.
    pub(super) fn hide_file(&self, of: &Checkout, file: &str) -> Result<bool, WorktreeError> {
        let folder = self.workspace.worktree(of.id);
        // It takes paths and no patterns, but a `:` at the beginning would mean something to it.
        let file_here = format!("./{file}");
        let args = ["check-ignore", "-q", "--", &file_here];
        let call = GitCall::ask(&folder, &args).allow(NOT_IGNORED);
        if self.run(&call)?.code == 0 {
            return Ok(false);
        }
        self.change_exclusions(of, |lines| {
            let line = pattern(file);
            let is_new = !lines.contains(&line);
            if is_new {
                lines.push(line);
            }
            is_new
        })
    }

    /// Takes that line out again.
    pub(super) fn show_file(&self, of: &Checkout, file: &str) -> Result<(), WorktreeError> {
        self.change_exclusions(of, |lines| {
            let line = pattern(file);
            let before = lines.len();
            lines.retain(|it| *it != line);
            lines.len() < before
        })?;
        Ok(())
    }

    fn change_exclusions(
        &self,
        of: &Checkout,
        change: impl FnOnce(&mut Vec<Vec<u8>>) -> bool,
    ) -> Result<bool, WorktreeError> {
        let common = self.common_dir(&of.repository)?;
        let _lock = self.lock_repository(&common)?;
        let info = common.join("info");
        let path = info.join("exclude");
        let bytes = read_regular(&path, EXCLUDE_BYTES_MAX).map_err(io_error("read", &path))?;
        let bytes = bytes.unwrap_or_default();
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let mut lines: Vec<Vec<u8>> = if bytes.is_empty() {
            Vec::new()
        } else {
            text.split(|byte| *byte == b'\n').map(ToOwned::to_owned).collect()
        };
        if !change(&mut lines) {
            return Ok(false);
        }
        make_folder(&info)?;
        let mut bytes = lines.join(&b'\n');
        bytes.push(b'\n');
        replace_shared(&path, &info.join("exclude.wharf"), &bytes)?;
        Ok(true)
    }
}

/// The line that means this one file, seen from the root of a worktree.
fn pattern(file: &str) -> Vec<u8> {
    let mut line = String::from("/");
    for c in file.chars() {
        if SPECIAL.contains(&c) {
            line.push('\\');
        }
        line.push(c);
    }
    line.into_bytes()
}
