// The dialog that logs every browser out.
import * as api from "../api/client";
import { openDialog } from "./dialog";
import { h } from "./dom";

export function openLogOut(done: () => void): void {
  const submit = (): Promise<void> => api.logOut().then(done);
  openDialog(
    { title: "Log all browsers out", does: "Log out", kind: "danger", submit },
    h("p", {}, "Every browser that was let in, this one too, needs a new link of ", h("code", {}, "wharf open"), ". Programs go on."),
  );
}
