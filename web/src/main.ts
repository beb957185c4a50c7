// The page: puts its parts together and starts them.
import "@xterm/xterm/css/xterm.css";
import "./style/base.css";
import "./style/side.css";
import "./style/bench.css";
import "./style/dialog.css";
import { App } from "./app";
import { apply } from "./state/theme";
import { mountToasts } from "./view/toast";

apply();
mountToasts();
new App().run();
