//! Worktrees that were made ready under other settings than those of today: no session gets one, and each is made anew.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
};

use crate::support::{
    Ran, Workspace, git_command,
    pool::{commit, content, fill, id, is_changed, only, slots, told},
};

type Change = fn(&Workspace);

/// A repository in which each setting below makes a difference.
fn furnished() -> Workspace {
    let space = Workspace::new();
    fs::write(space.path("lines.txt"), "one\ntwo\n").unwrap();
    fs::write(space.path("text.md"), "one\ntwo\n").unwrap();
    fs::write(space.path("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(space.path("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("lines.txt", space.path("link")).unwrap();
    fs::write(space.path("big.bin"), "pointer\n").unwrap();
    commit(&space, ".gitattributes", "*.md text\n*.bin filter=lfs\n*.up filter=up\n");
    commit(&space, "src/a.up", "quiet\n");
    space
}

/// What `git worktree add` writes, in the environment that wharf has.
fn by_git(space: &Workspace) -> Vec<(std::path::PathBuf, u32, Vec<u8>)> {
    let folder = space.home().join("by-git");
    let mut git = with_home(space);
    git.args(["worktree", "add", "-q", "--detach"]).arg(&folder).arg("HEAD");
    Ran { output: git.output().unwrap() }.succeeds();
    let found = content(&folder);
    space.git(["worktree", "remove", "--force", folder.to_str().unwrap()]);
    found
}

fn with_home(space: &Workspace) -> Command {
    let mut git = git_command(&space.root());
    git.env_remove("GIT_CONFIG_GLOBAL").env("HOME", space.home());
    git.env("XDG_CONFIG_HOME", space.home().join(".config"));
    git
}

fn config(space: &Workspace, settings: &[[&str; 2]]) {
    for [key, value] in settings {
        space.git(["config", key, value]);
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Fills, changes something, and creates: the session is as git writes it today. Filled again, the next one is warm and
/// as git writes it, unless nobody can say what that is going to be.
fn each(changes: &[(&str, bool, Change)]) {
    let space = furnished();
    for (number, (what, is_sure, change)) in changes.iter().enumerate() {
        told(&space, 1);
        let ready = slots(&space, "ready");
        change(&space);
        let [cold, warm] = ["cold", "warm"].map(|way| format!("{way}{number}"));
        space.run(["create", &cold]).succeeds();
        assert!(!ready.contains(&id(&space, &cold)), "{what}: taken as it was");
        let wanted = by_git(&space);
        assert_eq!(content(&space.worktree(&cold)), wanted, "{what}");
        if *is_sure {
            fill(&space, 1);
            let again = slots(&space, "ready");
            assert!(ready.is_disjoint(&again), "{what}: still ready");
            space.run(["create", &warm]).succeeds();
            assert!(again.contains(&id(&space, &warm)), "{what}: not taken");
            assert_eq!(content(&space.worktree(&warm)), wanted, "{what}");
        } else {
            let told = told(&space, 1);
            assert_eq!((&told["ready"], told["stopped"].is_string()), (&0.into(), true), "{what}: {told}");
        }
        assert_eq!(slots(&space, "changed").len(), 0, "{what}: taken for the work of a person");
        for name in space.names() {
            space.run(["destroy", &name, "--force", "--delete-branch"]).succeeds();
        }
    }
}

#[test]
fn line_ends_and_links_are_those_of_today() {
    each(&[
        ("core.autocrlf", true, |space| config(space, &[["core.autocrlf", "true"]])),
        ("core.eol", true, |space| config(space, &[["core.autocrlf", "false"], ["core.eol", "crlf"]])),
        ("core.symlinks", true, |space| config(space, &[["core.symlinks", "false"]])),
        ("back again", true, |space| config(space, &[["core.symlinks", "true"], ["core.eol", "lf"]])),
        ("the settings of a person", true, |space| {
            write(&space.home().join(".gitconfig"), "[core]\n\teol = crlf\n");
            space.git(["config", "--unset", "core.eol"]);
        }),
    ]);
}

#[test]
fn attributes_from_outside_are_those_of_today() {
    each(&[
        ("info/attributes", true, |space| {
            write(&space.path(".git/info/attributes"), "*.txt text eol=crlf\n");
        }),
        ("those of a person", true, |space| {
            fs::remove_file(space.path(".git/info/attributes")).unwrap();
            write(&space.home().join(".config/git/attributes"), "*.sh text eol=crlf\n");
        }),
        ("a configured file", true, |space| {
            let file = space.home().join("attributes");
            write(&file, "*.txt text eol=crlf\n");
            space.git(["config", "core.attributesFile", file.to_str().unwrap()]);
        }),
        ("another content of it", true, |space| {
            write(&space.home().join("attributes"), "lines.txt text eol=crlf\nsrc/* text eol=crlf\n");
        }),
    ]);
}

#[test]
fn filters_and_conditions_are_those_of_today() {
    each(&[
        ("LFS comes", true, |space| {
            config(space, &[["filter.lfs.smudge", "sed s/pointer/content/"]]);
            config(space, &[["filter.lfs.clean", "sed s/content/pointer/"]]);
        }),
        ("LFS does otherwise", true, |space| {
            config(space, &[["filter.lfs.smudge", "sed s/pointer/other/"]]);
            config(space, &[["filter.lfs.clean", "sed s/other/pointer/"]]);
        }),
        ("a filter that is not known", false, |space| {
            config(space, &[["filter.up.smudge", "tr a-z A-Z"], ["filter.up.clean", "tr A-Z a-z"]]);
        }),
        ("it goes", true, |space| drop(space.git(["config", "--remove-section", "filter.up"]))),
        ("a condition", true, |space| {
            write(&space.home().join("more"), "[core]\n\tautocrlf = true\n");
            let file = space.home().join("more");
            space.git(["config", "includeIf.gitdir:**.path", file.to_str().unwrap()]);
        }),
        ("one on the branch", false, |space| {
            let file = space.home().join("more");
            space.git(["config", "includeIf.onbranch:feature/.path", file.to_str().unwrap()]);
        }),
    ]);
}

#[test]
fn what_is_left_out_or_replaced_is_what_is_so_today() {
    each(&[
        ("sparse", true, |space| drop(space.git(["sparse-checkout", "set", "src"]))),
        ("another part", true, |space| {
            drop(space.git(["sparse-checkout", "set", "--no-cone", "/lines.txt"]))
        }),
        ("all of it", true, |space| drop(space.git(["sparse-checkout", "disable"]))),
        ("replaced objects", false, |space| {
            let [old, new] = ["HEAD:lines.txt", "HEAD:big.bin"].map(|it| space.git(["rev-parse", it]));
            space.git(["replace", &old, &new]);
        }),
    ]);
}

/// Another person's rights, and worktrees of one who works under other rights.
#[test]
fn files_have_the_rights_of_who_creates_the_session() {
    let space = furnished();
    fill(&space, 1);
    let ready = slots(&space, "ready");
    let mut command = space.command();
    command.args(["create", "closed"]);
    let closed = crate::support::strace::under(&["sh", "-c", "umask 077; exec \"$@\"", "sh"], &command);
    Ran { output: { closed }.output().unwrap() }.succeeds();
    assert!(!ready.contains(&id(&space, "closed")));
    let mode = fs::metadata(space.worktree("closed").join("lines.txt")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    space.run(["create", "open"]).succeeds();
    assert!(ready.contains(&id(&space, "open")));
}

#[test]
fn a_change_of_settings_makes_no_work_of_a_person_go() {
    let space = furnished();
    fill(&space, 1);
    let folder = only(&space);
    fs::write(folder.join("lines.txt"), "mine\n").unwrap();
    space.git(["config", "core.autocrlf", "true"]);
    fill(&space, 1);
    assert!(is_changed(&space, &folder));
    assert_eq!(fs::read_to_string(folder.join("lines.txt")).unwrap(), "mine\n");
    space.run(["pool", "drain"]).succeeds();
    space.run(["restore"]).succeeds();
    assert_eq!(fs::read_to_string(folder.join("lines.txt")).unwrap(), "mine\n");
}

/// Settings that say nothing of files leave what is ready as it is.
#[test]
fn a_new_alias_or_a_pushed_branch_makes_no_difference() {
    let space = furnished();
    fill(&space, 1);
    let ready = slots(&space, "ready");
    config(&space, &[["alias.st", "status"], ["branch.main.remote", "origin"], ["user.name", "Ann"]]);
    fill(&space, 1);
    assert_eq!(slots(&space, "ready"), ready);
    space.run(["create", "one"]).succeeds();
    assert!(ready.contains(&id(&space, "one")));
}

/// Where attributes change with the base, git leaves files as they are that a new checkout has otherwise.
#[test]
fn a_base_with_other_attributes_gets_another_worktree() {
    for format in ["sha1", "sha256"] {
        let space = Workspace::empty();
        space.git(["init", "-q", "-b", "main", &format!("--object-format={format}")]);
        for number in 0..6 {
            commit(&space, &format!("{number}.txt"), "one\ntwo\n");
        }
        fill(&space, 1);
        let ready = slots(&space, "ready");
        commit(&space, ".gitattributes", "*.txt text eol=crlf\n");
        space.run(["create", "one"]).succeeds();
        assert!(!ready.contains(&id(&space, "one")), "{format}");
        assert_eq!(content(&space.worktree("one")), by_git(&space), "{format}");
        fill(&space, 1);
        space.run(["create", "two"]).succeeds();
        assert_eq!(content(&space.worktree("two")), by_git(&space), "{format}");
    }
}
