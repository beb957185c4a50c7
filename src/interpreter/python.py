# Runs commands in one namespace, told by lines on standard input; python3 3.8 or newer, its standard library alone.
import ast, builtins, io, json, linecache, marshal, os, pickle, signal, sys, traceback, types


def begin():
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    own = types.ModuleType("_wharf")
    for maker in (make_function, make_class, make_enum, make_cell, make_module, make_cached, make_proxy, fill_function,
                  fill_class, fill_cell, Lost):
        maker.__module__ = "_wharf"
        setattr(own, maker.__name__, maker)
    sys.modules["_wharf"] = own
    sys.modules["__main__"] = module
    sys.argv = [""]
    sys.path.insert(0, "")
    control = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    driver = Driver(control, module.__dict__)
    own.driver = driver
    driver.serve()


class Driver:
    def __init__(self, control, namespace):
        self.pid = os.getpid()
        self.control = control
        self.namespace = namespace
        self.first = set(namespace)
        self.code = 0
        self.number = 0
        self.sources = []
        self.inside = False
        self.heavy = {}
        self.interrupt = signal.default_int_handler
        signal.signal(signal.SIGINT, self.interrupted)

    def interrupted(self, number, frame):
        # Between commands there is nothing to be interrupted.
        if self.inside:
            raise KeyboardInterrupt

    def serve(self):
        unread = b""
        while True:
            end = unread.find(b"\n")
            if end < 0:
                more = os.read(self.control, 1 << 16)
                if not more:
                    os._exit(0)
                unread += more
                continue
            line, unread = unread[:end], unread[end + 1:]
            words = line.decode().split(" ")
            if words[0] == "run":
                self.run(*words[1:])
            elif words[0] == "mark":
                with open(words[2], "w") as answer:
                    answer.write("%s %d\n" % (words[1], self.code))
            elif words[0] == "save":
                self.save(words[1])
            elif words[0] == "restore":
                self.restore(words[1], words[2])

    def run(self, command, stdin, stdout, stderr, text=""):
        os.environ["WHARF_COMMAND"] = command
        source = bytes.fromhex(text)
        if not source.strip() and stdout == os.devnull:
            self.code = 0
            return
        for fd, path, flags in ((0, stdin, os.O_RDONLY), (1, stdout, os.O_WRONLY), (2, stderr, os.O_WRONLY)):
            opened = os.open(path, flags)
            os.dup2(opened, fd)
            os.close(opened)
        self.fresh_streams()
        self.code = 0
        ended = None
        try:
            try:
                self.execute(source)
            except SystemExit as err:
                ended = err
            except KeyboardInterrupt:
                self.code = 130
            except BaseException as err:
                self.code = 1
                self.show(err)
            if os.getpid() != self.pid:
                # A child that did not end in the command it was made in.
                ended = ended or SystemExit(self.code)
            if ended is not None:
                self.inside = False
                signal.signal(signal.SIGINT, self.interrupt)
                self.flush()
                raise ended.with_traceback(None) from None
            self.flush()
        finally:
            self.inside = False
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)

    def execute(self, source):
        self.number += 1
        name = "<command %d>" % self.number
        try:
            tree = compile(source, name, "exec", ast.PyCF_ONLY_AST)
            text = source.decode("utf-8", "replace")
            linecache.cache[name] = (len(text), None, text.splitlines(True), name)
            self.sources.append(name)
            if len(self.sources) > 200:
                linecache.cache.pop(self.sources.pop(0), None)
            last = None
            if tree.body and isinstance(tree.body[-1], ast.Expr):
                last = ast.Expression(tree.body.pop().value)
            body = compile(tree, name, "exec")
            value = compile(last, name, "eval") if last else None
        except ValueError as err:
            raise SyntaxError(str(err)) from None
        handler = self.interrupt
        self.inside = True
        try:
            if handler is not signal.default_int_handler:
                signal.signal(signal.SIGINT, handler)
            exec(body, self.namespace)
            if value:
                sys.displayhook(eval(value, self.namespace))
        finally:
            self.inside = False
            handler = signal.getsignal(signal.SIGINT)
            self.interrupt = signal.default_int_handler if handler == self.interrupted else handler
            if handler != self.interrupted:
                signal.signal(signal.SIGINT, self.interrupted)

    def show(self, err):
        trace = err.__traceback__
        while trace is not None and trace.tb_frame.f_globals is globals():
            trace = trace.tb_next
        if isinstance(err, SyntaxError):
            trace = None
        err = err.with_traceback(trace)
        try:
            if sys.excepthook is sys.__excepthook__:
                # The built-in one finds no source that is in no file.
                traceback.print_exception(type(err), err, trace)
            else:
                sys.excepthook(type(err), err, trace)
        except BaseException:
            sys.__excepthook__(type(err), err, trace)

    def fresh_streams(self):
        # What the last command closed or left half read is not the next one's.
        for name, fd, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
            old, first = getattr(sys, name), getattr(sys, "__%s__" % name)
            if old is first or old is None or getattr(old, "closed", False):
                new = io.TextIOWrapper(open(fd, mode + "b", closefd=False), encoding="utf-8",
                                       errors="surrogateescape" if fd == 0 else "backslashreplace" if fd == 2 else "strict",
                                       line_buffering=fd != 0)
                setattr(sys, name, new)
                setattr(sys, "__%s__" % name, new)

    def flush(self):
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            try:
                stream.flush()
            except Exception:
                pass

    def save(self, path):
        os.environ.pop("WHARF_COMMAND", None)
        pieces = {}
        lost = []
        for key, value in os.environb.items():
            if not key.startswith(b"WHARF_"):
                pieces["environment:" + os.fsdecode(key)] = value
        try:
            pieces["directory"] = os.fsencode(os.getcwd())
        except OSError:
            pass
        mask = os.umask(0o777)
        os.umask(mask)
        pieces["umask"] = b"%o" % mask
        pieces["path"] = json.dumps([it for it in sys.path if isinstance(it, str)]).encode()
        names = {name: value for name, value in self.namespace.items() if name not in self.first}
        if names:
            try:
                pieces["namespace"], lost = self.dump(names)
            except BaseException:
                lost = ["namespace"]
        with open(path, "wb") as out:
            for key, value in pieces.items():
                if "\n" in key:
                    continue
                out.write(b"%s\n%d\n%s\n" % (key.encode("utf-8", "surrogateescape"), len(value), value))
            for name in lost:
                out.write(b"variable:%s\n!\n" % name.encode("utf-8", "replace"))

    def dump(self, names):
        lost = [name for name, value in names.items() if self.heavy.get(name) == id(value)]
        names = {name: value for name, value in names.items() if name not in lost}
        self.heavy = {name: self.heavy[name] for name in lost}
        limit = sys.getrecursionlimit()
        try:
            return dumps(names, self.namespace), lost
        except BaseException:
            sys.setrecursionlimit(limit)
        for name, value in list(names.items()):
            try:
                dumps({name: value}, self.namespace)
            except BaseException:
                lost.append(name)
                self.heavy[name] = id(value)
                del names[name]
        return dumps(names, self.namespace), lost

    def restore(self, path, lost_path):
        with open(path, "rb") as laid:
            pieces = laid.read()
        lost = []
        at = 0
        while at < len(pieces):
            end = pieces.index(b"\n", at)
            key = pieces[at:end].decode("utf-8", "surrogateescape")
            at, end = end + 1, pieces.index(b"\n", end + 1)
            length = pieces[at:end]
            at = end + 1
            value = None
            if length != b"-":
                value = pieces[at:at + int(length)]
                at += int(length) + 1
            try:
                self.set(key, value, lost)
            except BaseException:
                lost.append(key)
        with open(lost_path, "w") as out:
            out.write("".join("%s\n" % key for key in lost))

    def set(self, key, value, lost):
        if key.startswith("environment:"):
            name = os.fsencode(key.split(":", 1)[1])
            if value is None:
                os.environb.pop(name, None)
            else:
                os.environb[name] = value
        elif value is None:
            pass
        elif key == "directory":
            os.chdir(value)
        elif key == "umask":
            os.umask(int(value, 8))
        elif key == "path":
            sys.path[:] = json.loads(value)
        elif key == "namespace":
            names = Unpickler(io.BytesIO(value), self.namespace).load()
            for name, it in names.items():
                if isinstance(it, Lost):
                    lost.append("variable:" + name)
                else:
                    self.namespace[name] = it


class Lost:
    """Stands for what is not there any more."""


def dumps(names, namespace):
    out = io.BytesIO()
    Pickler(out, namespace).dump(names)
    return out.getvalue()


def is_importable(it, name=None):
    module = getattr(it, "__module__", None)
    if module in (None, "__main__"):
        return False
    found = sys.modules.get(module)
    for part in (name or it.__qualname__).split("."):
        found = getattr(found, part, None)
    return found is it


class Pickler(pickle.Pickler):
    def __init__(self, out, namespace):
        super().__init__(out, protocol=4)
        self.namespace = namespace

    def persistent_id(self, it):
        if it is self.namespace:
            return ("namespace",)
        if type(it) is dict and it is getattr(sys.modules.get(it.get("__name__")), "__dict__", None):
            return ("module", it["__name__"])
        dataclasses = sys.modules.get("dataclasses")
        if dataclasses:
            for name in ("MISSING", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "KW_ONLY"):
                if it is getattr(dataclasses, name, dataclasses):
                    return ("dataclasses", name)
        return None

    def reducer_override(self, it):
        kind = type(it)
        if kind is types.FunctionType:
            return NotImplemented if is_importable(it) else self.function(it)
        if kind is types.ModuleType:
            return make_module, (it.__name__,)
        if kind is types.CellType:
            try:
                content = {"content": it.cell_contents}
            except ValueError:
                content = {}
            return make_cell, (), content, None, None, fill_cell
        if kind is types.MappingProxyType:
            return make_proxy, (dict(it),)
        if kind in (staticmethod, classmethod):
            return kind, (it.__func__,)
        if kind is property:
            return property, (it.fget, it.fset, it.fdel, it.__doc__)
        if kind.__name__ == "_lru_cache_wrapper" and not is_importable(it):
            size = it.cache_parameters() if hasattr(it, "cache_parameters") else {"maxsize": 128, "typed": False}
            return make_cached, (it.__wrapped__, size["maxsize"], size["typed"])
        if isinstance(it, type) and not is_importable(it):
            if it.__module__ != "builtins":
                return self.a_class(it)
            for name, value in vars(types).items():
                if value is it:
                    return getattr, (types, name)
        return NotImplemented

    def function(self, it):
        names = it.__globals__
        if names is not self.namespace and self.persistent_id(names) is None:
            used = set()
            codes = [it.__code__]
            while codes:
                code = codes.pop()
                used.update(code.co_names)
                codes.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
            names = {name: names[name] for name in used if name in names}
        state = {
            "__defaults__": it.__defaults__, "__kwdefaults__": it.__kwdefaults__,
            "__annotations__": dict(it.__annotations__), "__dict__": dict(it.__dict__),
            "__doc__": it.__doc__, "__module__": it.__module__, "__qualname__": it.__qualname__,
        }
        closure = it.__closure__ or ()
        return (make_function, (marshal.dumps(it.__code__), names, it.__name__, closure), state, None, None,
                fill_function)

    def a_class(self, it):
        left = {"__dict__", "__weakref__", "_abc_impl", "__module__", "__firstlineno__", "__static_attributes__"}
        enum = sys.modules.get("enum")
        if enum and isinstance(it, enum.EnumMeta):
            members = {name: member._value_ for name, member in it.__members__.items()}
            # Only what was written in it: the rest its metaclass makes.
            skipped = left | set(members) | {"_generate_next_value_", "__new__", "_member_names_", "_member_map_",
                "_value2member_map_", "_unhashable_values_", "_unhashable_values_map_", "_hashable_values_", "_member_type_",
                "_new_member_", "_use_args_", "_value_repr_", "__new_member__", "__doc__", "__reduce_ex__", "__getnewargs_ex__",
                "_missing_value_", "_boundary_", "_flag_mask_", "_all_bits_", "_singles_mask_", "_inverted_"}
            attributes = {name: value for name, value in it.__dict__.items()
                          if name not in skipped and not (name in enum.Enum.__dict__ or name in enum.Flag.__dict__)}
            return (make_enum, (it.__bases__, it.__name__, it.__qualname__, it.__module__, members), attributes, None,
                    None, fill_class)
        slots = it.__dict__.get("__slots__")
        if slots is not None:
            left = left | {slots} if isinstance(slots, str) else left | set(slots)
        attributes = {name: value for name, value in it.__dict__.items() if name not in left}
        if slots is not None:
            attributes.pop("__slots__", None)
        return (make_class, (type(it), it.__name__, it.__bases__, it.__module__, slots), attributes, None, None,
                fill_class)


class Unpickler(pickle.Unpickler):
    def __init__(self, source, namespace):
        super().__init__(source)
        self.namespace = namespace

    def persistent_load(self, it):
        if it[0] == "namespace":
            return self.namespace
        module = make_module(it[-1] if it[0] == "module" else "dataclasses")
        return module.__dict__ if it[0] == "module" else getattr(module, it[1])

    def find_class(self, module, name):
        try:
            return super().find_class(module, name)
        except Exception:
            return type("Lost", (Lost,), {"__new__": lambda kind, *args, **more: object.__new__(kind),
                                          "__init__": lambda *args, **more: None,
                                          "__setstate__": lambda *args: None})


def make_module(name):
    try:
        __import__(name)
        return sys.modules[name]
    except Exception:
        return Lost()


def make_proxy(names):
    return types.MappingProxyType(names)


def make_cell():
    return types.CellType()


def fill_cell(cell, content):
    if "content" in content:
        cell.cell_contents = content["content"]


def make_function(code, names, name, closure):
    names.setdefault("__builtins__", builtins)
    return types.FunctionType(marshal.loads(code), names, name, None, closure)


def fill_function(function, state):
    for name, value in state.items():
        if name == "__dict__":
            function.__dict__.update(value)
        else:
            setattr(function, name, value)


def make_class(kind, name, bases, module, slots):
    body = {"__module__": module}
    if slots is not None:
        body["__slots__"] = slots
    return types.new_class(name, bases, {"metaclass": kind}, lambda names: names.update(body))


def make_enum(bases, name, qualname, module, members):
    kind = type(bases[-1])
    body = kind.__prepare__(name, bases)
    for member, value in members.items():
        body[member] = value
    body["__module__"] = module
    body["__qualname__"] = qualname
    return kind.__new__(kind, name, bases, body)


def fill_class(it, attributes):
    for name, value in attributes.items():
        try:
            setattr(it, name, value)
        except (AttributeError, TypeError):
            pass


def make_cached(function, size, typed):
    import functools
    return functools.lru_cache(maxsize=size, typed=typed)(function)


begin()
