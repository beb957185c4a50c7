// The dialog that destroys a session: names all that would be lost, and asks about each kind of it.
import * as api from "../api/client";
import { Problem } from "../api/problem";
import type { Loss, Session } from "../api/types";
import { openDialog, type Dialog } from "./dialog";
import { fill, h } from "./dom";

const QUESTIONS: Record<string, string> = {
  modified: "Changed files may go",
  untracked: "Untracked files may go",
  ignored: "Ignored files may go",
  unmerged: "Commits that are nowhere else may go",
  "in-progress": "What git is in the middle of may go",
  occupied: "Processes that live in the folder do not matter",
  running: "The program that runs in it is ended",
};

export function openDestroy(session: Session, destroyed: () => void): void {
  const list = h("div", { class: "losses" }, h("p", { class: "muted" }, "Looking at what would be lost…"));
  const permits = new Set<string>();
  // Commits are lost only where their branch goes as well.
  const again = (): void => void look(session, branch.checked, permits, show).catch((thrown: unknown) => failed(dialog, list, thrown));
  const skip = h("input", { type: "checkbox", name: "no-teardown" });
  const teardown = h("label", { class: "check", hidden: true }, skip, h("span", {}, "Leave out what is set to run before a destroy"));
  const branch = h("input", { type: "checkbox", name: "delete-branch", onchange: again });

  // What was ticked stays ticked when more turns up.
  const show = (losses: Loss[]): void => {
    if (losses.length === 0) {
      fill(list, h("p", {}, "Nothing would be lost."));
      return;
    }
    fill(list, h("p", {}, "This would go:"), h("ul", {}, ...losses.map((loss) => lossItem(loss, permits))));
  };

  const dialog = openDialog(
    {
      title: `Destroy ${session.name}`,
      does: "Destroy",
      kind: "danger",
      submit: async () => {
        try {
          const how = { permits: [...permits], deleteBranch: branch.checked, dryRun: false, noTeardown: skip.checked };
          await api.destroy(session.id, how);
        } catch (thrown) {
          if (thrown instanceof Problem && thrown.code === "SETUP_FAILED") teardown.hidden = false;
          if (thrown instanceof Problem && thrown.losses.length > 0) await look(session, branch.checked, permits, show);
          throw thrown;
        }
        destroyed();
      },
    },
    h("p", { class: "muted" }, "The worktree goes into the trash with everything in it. Undo brings it back until the trash is emptied."),
    list,
    h("label", { class: "check" }, branch, h("span", {}, "Delete the branch ", h("code", {}, session.branch), " too")),
    teardown,
  );
  again();
}

/** Asks for the losses and shows those that are known. */
async function look(
  session: Session,
  deleteBranch: boolean,
  permits: Set<string>,
  show: (losses: Loss[]) => void,
): Promise<void> {
  try {
    const { wouldLose } = await api.destroy(session.id, { permits: [], deleteBranch, dryRun: true, noTeardown: false });
    for (const permit of permits) if (!wouldLose.some((it) => it.permit === permit)) permits.delete(permit);
    show(wouldLose);
  } catch (thrown) {
    // A refusal of the dry run is the answer as well.
    if (!(thrown instanceof Problem) || thrown.losses.length === 0) throw thrown;
    show(thrown.losses);
  }
}

function failed(dialog: Dialog, list: HTMLElement, thrown: unknown): void {
  fill(list);
  dialog.fail(thrown);
}

function lossItem(loss: Loss, permits: Set<string>): HTMLElement {
  const { detail, permit } = loss;
  if (permit === null) {
    return h("li", { class: "loss fixed" }, h("p", {}, detail), h("p", { class: "hint" }, "Nothing goes over this."));
  }
  const box = h("input", {
    type: "checkbox",
    name: `permit-${permit}`,
    checked: permits.has(permit),
    onchange: () => (box.checked ? permits.add(permit) : permits.delete(permit)),
  });
  return h(
    "li",
    { class: "loss" },
    h("p", {}, detail),
    h("label", { class: "check" }, box, h("span", {}, QUESTIONS[permit] ?? `Permit: ${permit}`)),
  );
}
