//! The same with Python.

use super::{
    support::{Live, Told},
    *,
};

#[track_caller]
fn survives(set: &str, look: &str, expected: &str) {
    let mut python = Live::start("python");
    let told = python.run(set);
    assert!(told.ran.code == 0 && told.ran.lost.is_empty(), "{told:?}");
    assert_eq!(python.says(look), expected);
    let mut python = python.again();
    assert_eq!(python.lost, [""; 0]);
    assert_eq!(python.says(look), expected, "after the restart");
    let mut python = python.again();
    assert_eq!(python.says(look), expected, "after the second one");
}

#[test]
fn it_runs_commands_as_its_own_prompt_does() {
    let mut python = Live::start("python");
    assert_eq!(python.says("x = 5\nprint('a'); x * 2"), "a\n10\n");
    assert_eq!(python.says("x; None"), "");
    let told = python.run("import sys\nsys.stderr.write('err'); print('out', end='')");
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("out", "err"));
    let told = python.run("def f():\n    raise ValueError('no')\nf()");
    assert_eq!(told.ran.code, 1);
    assert!(
        told.stderr.starts_with("Traceback (most recent call last):\n  File \"<command "),
        "{}",
        told.stderr
    );
    assert!(
        told.stderr.contains("    raise ValueError('no')\n") && told.stderr.ends_with("ValueError: no\n")
    );
    assert!(!told.stderr.contains("<string>"), "{}", told.stderr);
    let told = python.run("if");
    assert!(told.ran.code == 1 && told.stderr.contains("SyntaxError"), "{told:?}");
    assert_eq!(python.run_task(b"'\xff'", Stdin::Nothing, None).ran.code, 1);
    assert_eq!(python.says("x"), "5\n");
}

#[test]
fn it_says_when_it_ends() {
    for (text, code) in [
        ("import sys; sys.exit(3)", 3),
        ("exit()", 0),
        ("import os; os._exit(4)", 4),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("raise SystemExit('said')", 1),
    ] {
        let mut python = Live::start("python");
        let told = python.run(text);
        assert_eq!((told.ran.code, told.ran.session_ended), (code, true), "{text}: {told:?}");
        assert_eq!(told.stderr, if text.contains("said") { "said\n" } else { "" });
    }
}

#[test]
fn values_and_what_they_share() {
    survives(
        "import math as m, os.path, json\na = [1, 2]; b = {'a': a, 'b': (a, {3}, b'x', 1.5, None)}; a.append(b)\nc = 'é\\n\\0'",
        "print(a is b['b'][0], a[2] is b, m.floor(2.5), json.dumps(c), os.path.join('a', 'b'))",
        "True True 2 \"\\u00e9\\n\\u0000\" a/b\n",
    );
}

#[test]
fn functions_with_all_they_have() {
    survives(
        "k = 3\ndef f(a, b=2, *, c: int = 4):\n    'doc'\n    return a + b + c + k\ndef outer(n):\n    def inner(m):\n        return n if m == 0 else inner(m - 1) + 1\n    return inner\ng = outer(10)\nh = lambda x: f(x)\nf.extra = [f]\nimport functools\n@functools.lru_cache(maxsize=3)\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\n@functools.wraps(f)\ndef w(*a): return f(*a)\ndef gen():\n    yield from (i for i in range(3))",
        "k = 4; print(f(1), g(5), h(1), f.__doc__, f.extra[0] is f, f.__annotations__, fib(20), fib.cache_info().maxsize, w(1), list(gen()), f.__module__)",
        "11 15 11 doc True {'c': <class 'int'>} 6765 3 11 [0, 1, 2] __main__\n",
    );
}

#[test]
fn classes_and_their_objects() {
    survives(
        "import abc, dataclasses, enum, collections, typing\nclass A:\n    n = 1\n    def __init__(self, x): self.x = x\n    @property\n    def y(self): return self.x + self.n\n    @staticmethod\n    def s(): return 's'\n    @classmethod\n    def c(cls): return cls.__name__\nclass B(A):\n    __slots__ = ('z',)\n    def __init__(self, x):\n        super().__init__(x); self.z = self\nclass C(abc.ABC):\n    @abc.abstractmethod\n    def m(self): ...\n@dataclasses.dataclass\nclass D:\n    a: int\n    b: list = dataclasses.field(default_factory=list)\nclass E(enum.Enum):\n    ONE = 1\n    TWO = 2\n    def twice(self): return self.value * 2\nP = collections.namedtuple('P', 'x y')\nclass Q(typing.NamedTuple):\n    x: int\n    y: int = 2\nb = B(5); d = D(1); e = E.TWO; p = P(1, 2); q = Q(1)\nimport types\nF = types.FunctionType",
        "print(b.y, b.s(), b.c(), b.z is b, isinstance(b, A), d == D(1, []), D(2), len(dataclasses.fields(d)), e is E.TWO, e.twice(), E(1), p, p._replace(x=3), q)\ntry: C()\nexcept TypeError: print('abstract')",
        "6 s B True True True D(a=2, b=[]) 2 True 4 E.ONE P(x=1, y=2) P(x=3, y=2) Q(x=1, y=2)\nabstract\n",
    );
}

#[test]
fn environment_directory_and_umask() {
    survives(
        "import os\nos.environ['NEW'] = 'a\\nb'; os.environ.pop('HOME', None); os.mkdir('below'); os.chdir('below'); os.umask(0o27)",
        "import os\nprint(os.environ['NEW'], 'HOME' in os.environ, os.path.basename(os.getcwd()), os.umask(0o27))",
        "a\nb False below 23\n",
    );
}

#[test]
fn what_cannot_be_kept_is_told_and_the_rest_is_kept() {
    let mut python = Live::start("python");
    let told = python.run("import threading\nx = 1; lock = threading.Lock(); both = [lock]; f = open('/dev/null'); g = (i for i in range(3)); y = 2");
    let mut lost = told.ran.lost;
    lost.sort();
    assert_eq!(lost, ["variable:both", "variable:f", "variable:g", "variable:lock"]);
    let mut python = python.again();
    assert_eq!(python.says("print(x + y, 'lock' in globals())"), "3 False\n");
}

#[test]
fn a_module_that_is_gone_costs_only_its_name() {
    let mut python = Live::start("python");
    python.says("open('mine.py', 'w').write('class A: pass'); import mine; a = mine.A(); x = 1; import os; os.remove('mine.py')");
    let mut python = python.again();
    python.lost.sort();
    assert_eq!(python.lost, ["variable:a", "variable:mine"]);
    assert_eq!(python.says("x"), "1\n");
}

#[test]
fn threads_and_children_disturb_nothing() {
    let mut python = Live::start("python");
    python.says("import threading, os, time\nevent = threading.Event()\ndef work():\n    while not event.wait(0.001): print('noise')\nthread = threading.Thread(target=work, daemon=True); thread.start()");
    assert!(
        python
            .run("if os.fork() == 0: print('child')\nelse: os.wait(); print('parent')")
            .stdout
            .contains("parent\n")
    );
    python.says("event.set(); thread.join(); None");
    assert_eq!(python.says("print(1)"), "1\n");
}

#[test]
fn it_reads_what_it_is_given_or_the_end() {
    let mut python = Live::start("python");
    assert_eq!(python.says("import sys; print(repr(sys.stdin.read()))"), "''\n");
    python.controls.give(Control::Stdin(b"one\ntwo\n".to_vec())).unwrap();
    python.controls.give(Control::StdinEnd).unwrap();
    assert_eq!(
        python.run_task(b"print(input(), sys.stdin.read())", Stdin::FromCaller, None).stdout,
        "one two\n\n"
    );
    assert_eq!(python.says("import subprocess; subprocess.run(['cat']).returncode"), "0\n");
    python.says("sys.stdout.close()");
    assert_eq!(python.says("print('back')"), "back\n");
}

fn stopped(text: &str) -> Told {
    let mut python = Live::start("python");
    python.says("x = 5");
    let told = python.run_task(text.as_bytes(), Stdin::Nothing, Some(Duration::from_millis(100)));
    assert_eq!((told.ran.code, told.ran.session_ended), (124, false), "{text}");
    assert!(!python.context.has_jobs());
    assert_eq!(python.says("x"), "5\n", "{text}");
    told
}

#[test]
fn a_command_whose_time_is_over_is_ended_and_the_context_goes_on() {
    stopped("while True: pass");
    stopped("import time; time.sleep(1000)");
    stopped("import subprocess; subprocess.run(['sleep', '1000'])");
    stopped(
        "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True); input('') if 0 else None\nimport time; time.sleep(1000)",
    );
    stopped(
        "import signal\nsignal.signal(signal.SIGINT, lambda *a: (_ for _ in ()).throw(RuntimeError('mine')))\nwhile True: pass",
    );
}
