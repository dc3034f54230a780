/** What the page asks its user, in windows of its own. */
import { h } from "../../site/client/element.ts";

/** Shows a window until it is closed. @returns what it was closed with */
function ask(content: readonly HTMLElement[], attributes: { readonly [name: string]: string }): { readonly dialog: HTMLDialogElement; readonly answer: Promise<string> } {
  const dialog = h("dialog", attributes, content);
  document.body.append(dialog);
  const answer = new Promise<string>((resolve) => dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(dialog.returnValue);
  }));
  dialog.showModal();
  return { dialog, answer };
}

/** Whether it shall be done. Who presses Escape or Enter without looking does nothing. */
export async function confirmed(question: string, consequence: string, act: string): Promise<boolean> {
  const { answer } = ask(
    [
      h("h2", { id: "question" }, question),
      h("p", { id: "consequence" }, consequence),
      h(
        "div",
        { class: "choice" },
        h("button", { type: "button", autofocus: true, onclick: (event: Event) => closest(event).close("") }, "Cancel"),
        h("button", { type: "button", class: "grave", onclick: (event: Event) => closest(event).close("yes") }, act),
      ),
    ],
    { role: "alertdialog", "aria-labelledby": "question", "aria-describedby": "consequence" },
  );
  return (await answer) === "yes";
}

const closest = (event: Event): HTMLDialogElement => (event.currentTarget as HTMLElement).closest("dialog")!;

/** The admin token. It goes to the server in a header field, and nowhere else. */
export async function askForToken(again: boolean): Promise<string> {
  const field = h("input", { type: "password", id: "token", autocomplete: "off", spellcheck: "false", required: true, autofocus: true });
  const give = (): void => {
    if (field.value.trim() !== "") dialog.close("given");
  };
  const { dialog, answer } = ask(
    [
      h("h2", { id: "wanted" }, "This server wants the admin token"),
      h("p", { id: "where", role: again ? "alert" : undefined }, again ? "That was not the token. " : "", "It is what --admin-token or CPM_ADMIN_TOKEN says. It is kept until this tab is closed."),
      h("label", { class: "field", for: "token" }, "Token", field),
      h("div", { class: "choice" }, h("button", { type: "button", onclick: give }, "Use this token")),
    ],
    { "aria-labelledby": "wanted", "aria-describedby": "where" },
  );
  field.addEventListener("keydown", (event) => void (event.key === "Enter" && give()));
  // Without it there is nothing to see.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  await answer;
  return field.value.trim();
}
