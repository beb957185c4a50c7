//! What commands read and write.

use super::{support::Live, *};

#[test]
fn output_without_a_line_break_is_whole() {
    let mut bash = Live::start("bash");
    assert_eq!(bash.says("printf abc"), "abc");
    assert_eq!(bash.says("printf def"), "def");
}

/// Counts what comes.
#[derive(Default)]
struct Count([usize; 2]);

impl Sink for Count {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        self.0[usize::from(stream == Stream::Stderr)] += bytes.len();
    }
    fn late(&mut self, _: u64, _: Stream, _: &[u8]) {}
}

#[test]
fn a_hundred_megabytes_on_both_streams() {
    let mut bash = Live::start("bash");
    let text = b"head -c 50000000 /dev/zero; head -c 50000001 /dev/zero >&2";
    let task = Task { number: 1, text, stdin: Stdin::Nothing, time_limit: None };
    let mut count = Count::default();
    let ran = bash.context.run(&task, &bash.controls, &mut count).unwrap();
    assert_eq!((ran.code, count.0), (0, [50_000_000, 50_000_001]));
}

#[test]
fn output_that_imitates_the_end_ends_nothing() {
    let mut bash = Live::start("bash");
    let unique = bash.context.tree.unique.clone();
    let text = format!(
        "for i in 1 2 3 4 5 6 7 8 9; do echo {unique}$i 7; echo {unique}$i 7 >&2; done; echo end; false"
    );
    let told = bash.run(&text);
    assert_eq!((told.ran.code, told.stdout.lines().count(), told.stderr.lines().count()), (1, 10, 9));
}

#[test]
fn a_command_may_close_its_outputs() {
    let mut bash = Live::start("bash");
    let told = bash.run("exec 1>&- 2>&-; echo no");
    assert_eq!(told.stdout, "");
    assert_eq!(bash.says("echo back"), "back\n");
}

#[test]
fn without_an_input_a_command_reads_the_end() {
    let mut bash = Live::start("bash");
    assert_eq!(bash.says("cat; read x || echo end"), "end\n");
}

#[test]
fn a_command_reads_what_it_is_given() {
    let mut bash = Live::start("bash");
    for part in ["one\n", "two\n", "three"] {
        bash.controls.give(Control::Stdin(part.as_bytes().to_vec())).unwrap();
    }
    bash.controls.give(Control::StdinEnd).unwrap();
    let told = bash.run_task(b"read a; echo \"<$a>\"; cat", Stdin::FromCaller, None);
    assert_eq!(told.stdout, "<one>\ntwo\nthree");
}

#[test]
fn input_that_nobody_reads_holds_nothing_up() {
    let mut bash = Live::start("bash");
    while bash.controls.give(Control::Stdin(vec![b'x'; 100_000])).is_ok() {}
    let told = bash.run_task(b"echo done", Stdin::FromCaller, None);
    assert_eq!(told.stdout, "done\n");
    bash.controls.clear();
    bash.controls.give(Control::StdinEnd).unwrap();
    assert_eq!(bash.run_task(b"cat", Stdin::FromCaller, None).stdout, "", "nothing is left for the next");
}

#[test]
fn a_large_input_passes_through() {
    let mut bash = Live::start("bash");
    let count = std::thread::scope(|scope| {
        let controls = &bash.controls;
        scope.spawn(|| {
            for _ in 0..100 {
                let mut part = Control::Stdin(vec![b'x'; 100_000]);
                while let Err(back) = controls.give(part) {
                    let mut waiting = [rustix::event::PollFd::from_borrowed_fd(
                        controls.room(),
                        rustix::event::PollFlags::IN,
                    )];
                    rustix::event::poll(&mut waiting, None).unwrap();
                    controls.take_room();
                    part = back;
                }
            }
            controls.give(Control::StdinEnd).unwrap();
        });
        let mut heard = support::Heard::default();
        let task = Task { number: 1, text: b"wc -c", stdin: Stdin::FromCaller, time_limit: None };
        bash.context.run(&task, controls, &mut heard).unwrap();
        String::from_utf8(heard.stdout).unwrap()
    });
    assert_eq!(count.trim(), "10000000");
}

#[test]
fn a_background_job_goes_on_and_what_it_writes_is_its_own() {
    let mut bash = Live::start("bash");
    bash.says("mkfifo go");
    let told = bash.run("{ read x <go; echo \"late $x\"; } & echo now");
    assert!(told.stdout.starts_with("now\n"), "{told:?}");
    assert!(bash.context.has_jobs());
    let told = bash.run("echo 1 >go; wait; echo next");
    assert_eq!(told.stdout, "next\n");
    let mut heard = support::Heard { late: told.late, ..Default::default() };
    while heard.late.is_empty() {
        let soon = Instant::now() + Duration::from_millis(50);
        bash.context.rest(&bash.controls, Some(soon), &mut heard).unwrap();
    }
    assert_eq!(heard.late, [(2, Stream::Stdout, b"late 1\n".to_vec())]);
    assert!(!bash.context.has_jobs());
}

#[test]
fn a_background_job_that_writes_for_ever_holds_no_command_up() {
    let mut bash = Live::start("bash");
    bash.run("yes & yes >&2 &");
    for _ in 0..3 {
        assert_eq!(bash.says("echo next"), "next\n");
    }
    bash.context.end(Jobs::End);
}

#[test]
fn a_rest_is_over_when_woken_and_when_the_interpreter_is_gone() {
    let mut bash = Live::start("bash");
    let mut heard = support::Heard::default();
    bash.controls.give(Control::Wake).unwrap();
    assert_eq!(bash.context.rest(&bash.controls, None, &mut heard).unwrap(), Rest::Woken);
    let now = Some(Instant::now());
    assert_eq!(bash.context.rest(&bash.controls, now, &mut heard).unwrap(), Rest::TimeIsOver);
    bash.run("{ kill -9 $$; } &");
    if bash.context.is_alive() {
        assert_eq!(bash.context.rest(&bash.controls, None, &mut heard).unwrap(), Rest::InterpreterGone);
    }
    assert!(!bash.context.is_alive());
}
