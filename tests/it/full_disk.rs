//! Disks that are full, read-only, or mounted in the wrong place, in a mount namespace of their own (root only).

use std::{fs, process::Command};

use crate::support::{Ran, STATE, Workspace, invariants, means, strace};

/// Runs a script in a mount namespace, with the binary as `$@` and the workspace as `$W`. Each `try CODE ARGS…` in it
/// must end with that exit code. Nothing when namespaces cannot be had.
fn in_namespace(space: &Workspace, script: &str) -> Option<Ran> {
    let words = r#"set -eu
try() {
    wanted=$1; shift; code=0
    "$wharf" "$@" --json >/dev/null 2>"$HOME/said" || code=$?
    if [ "$code" != "$wanted" ]; then echo "$*: exit $code, not $wanted:"; cat "$HOME/said"; exit 1; fi
}
says() { grep -q "$1" "$HOME/said" || { echo "not said: $1"; cat "$HOME/said"; exit 1; }; }
wharf=$1
"#;
    let probe = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        means::left_out("no mount namespace can be had here");
        return None;
    }
    let mut command = space.command();
    command.env("W", space.root());
    // A home that is not on the disk in question.
    let home = tempfile::tempdir().unwrap();
    command.env("HOME", home.path());
    let text = format!("{words}{script}");
    let mut command = strace::under(&["unshare", "-m", "bash", "-c", &text, "script"], &command);
    Some(Ran { output: command.output().unwrap() })
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room_again() {
    for options in ["size=3m,nr_inodes=100k", "size=100m,nr_inodes=600"] {
        let space = Workspace::with_sessions(1);
        let script = format!(
            r#"cp -a "$W" "$HOME/copy"; mount -t tmpfs -o {options} none "$W"; cp -a "$HOME/copy/." "$W"; cd "$W"
cp .claude-container-sessions.json "$HOME/before"
mkdir fill; n=0
while head -c 2048 /dev/zero > fill/$n 2>/dev/null; do n=$((n+1)); done
try 0 list
try 1 meta s1 "k=$(head -c 6000 /dev/zero | tr '\0' x)"
cmp .claude-container-sessions.json "$HOME/before"
[ ! -e .claude-container-sessions.tmp ]
try 1 create more
try 0 list
for how in "" --quick; do
    "$wharf" doctor $how >"$HOME/said" 2>&1 && exit 1
    says "the disk is full"
done
rm -r fill
try 0 restore
try 0 doctor
try 0 create more
try 0 destroy more --delete-branch
[ "$(ls .worktrees | wc -l)" = 1 ]
[ "$(git for-each-ref refs/heads | wc -l)" = 2 ]
"#
        );
        if let Some(ran) = in_namespace(&space, &script) {
            ran.succeeds();
        }
    }
}

#[test]
fn a_create_without_room_for_its_files_says_so_in_a_few_lines() {
    let space = Workspace::with_sessions(1);
    let script = r#"cp -a "$W" "$HOME/copy"; mount -t tmpfs -o size=14m none "$W"; cp -a "$HOME/copy/." "$W"; cd "$W"
for n in $(seq 60); do head -c 50000 /dev/urandom > big$n; done
git add . && git -c user.name=a -c user.email=a commit -qm big
room=$(df --output=avail -k "$W" | tail -n 1)
head -c $(((room - 1500) * 1024)) /dev/zero > fill
for how in "" --json; do
    "$wharf" create more $how 2>"$HOME/said" && exit 1
    says "No space left on device"
    says "make room on that disk"
    [ "$(wc -l < "$HOME/said")" -le 10 ] || { cat "$HOME/said"; exit 1; }
done
rm fill
try 0 create more
"#;
    if let Some(ran) = in_namespace(&space, script) {
        ran.succeeds();
    }
}

#[test]
fn a_destroy_without_room_for_a_snapshot_keeps_the_work_and_fills_nothing() {
    let space = Workspace::with_sessions(2);
    let script = r#"cp -a "$W" "$HOME/copy"; mount -t tmpfs -o size=9m none "$W"; cp -a "$HOME/copy/." "$W"; cd "$W"
s1=$("$wharf" path s1)
head -c 3000000 /dev/urandom > "$s1/big"; cp "$s1/big" "$HOME/big"
room=$(df --output=avail -k "$W" | tail -n 1)
head -c $(((room - 2500) * 1024)) /dev/zero > fill
"$wharf" destroy s1 --force 2>"$HOME/said"
says "changed files are kept in the trash only"
[ -z "$(find .git/objects -name 'tmp_*')" ]
try 0 touch s2
try 0 undo s1
cmp "$s1/big" "$HOME/big"
try 0 destroy s1 --force
cat /dev/zero > fill 2>"$HOME/said" || true
try 0 trash empty --yes
[ ! -e .worktrees/.trash/*[0-9a-f]-* ]
try 0 touch s2
[ -z "$(git for-each-ref refs/wharf)" ]
"#;
    if let Some(ran) = in_namespace(&space, script) {
        ran.succeeds();
    }
}

/// RELIABILITY R9.
#[test]
fn a_read_only_disk_can_be_read() {
    let space = Workspace::with_sessions(1);
    let before = fs::read(space.path(STATE)).unwrap();
    let script = r#"mount --bind "$W" "$W"; mount -o remount,bind,ro "$W"; cd "$W"
try 0 list
try 0 show s1
try 0 path s1
try 0 list --all
"$wharf" doctor >"$HOME/said" 2>&1 || [ $? = 1 ]
says "cannot open .*lock: Read-only file system"
try 1 touch s1
says "Read-only file system"
try 1 create more
"#;
    if let Some(ran) = in_namespace(&space, script) {
        ran.succeeds();
    }
    assert_eq!(fs::read(space.path(STATE)).unwrap(), before);
    invariants::restored(&space, &[], "a read-only disk");
}

/// RELIABILITY R10.
#[test]
fn a_state_file_that_is_mounted_alone_is_named() {
    let space = Workspace::with_sessions(1);
    let before = fs::read(space.path(STATE)).unwrap();
    let script = r#"cd "$W"; mount --bind .claude-container-sessions.json .claude-container-sessions.json
try 0 list
try 9 touch s1
says "mount the directory"
"#;
    if let Some(ran) = in_namespace(&space, script) {
        ran.succeeds();
    }
    assert_eq!(fs::read(space.path(STATE)).unwrap(), before);
    invariants::restored(&space, &[], "a lone mount");
}
