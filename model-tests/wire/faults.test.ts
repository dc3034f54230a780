/**
 * What no peer and no timer can cause by itself: the operator, a server that stops, an MSRP path that is none. After what is seen on
 * the wire, the trace of the server has to show every transition that `roleplay/unreachable.ts` says is reached here.
 */
import { expect, test } from "vitest";
import { reached, transitionsIn } from "../roleplay/trace-transitions.ts";
import { Dialog, Scene, type Device, type Group, type Leg } from "./scene.ts";
import { Focus, quiet, type FocusOptions, type SipText } from "./stranger.ts";

/** One conversation with a server of its own, and then what its trace says. */
function conversation(title: string, options: FocusOptions, body: (scene: Scene) => Promise<void>, shows: readonly string[]): void {
  test.concurrent(title, async ({ onTestFailed }) => {
    const running = await Focus.start({ controlled: true, ...options });
    const scene = new Scene(running);
    onTestFailed(() => console.log(`${title}\n${scene.ladder}\n${running.lastWords}`));
    try {
      await body(scene);
      await running.stop();
      const taken = transitionsIn(running.trace);
      expect(shows.filter((transition) => !taken.has(transition)), "not in the trace").toEqual([]);
      expect([...scene.ladder.faults, ...running.faults]).toEqual([]);
    } finally {
      scene.close();
      await running.stop(0);
    }
  });
}

const idOf = ({ identity }: { readonly identity: string }): string => /^sip:([^@]+)@/.exec(identity)![1]!;

async function operates({ focus }: Scene, path: string): Promise<void> {
  await focus.says(/^listening admin http /m);
  const answer = await fetch(`http://${/^listening admin http (\S+)$/m.exec(focus.words)![1]}/api/groups/${path}`, { method: "DELETE" });
  expect(answer.status).toBe(202);
}

/** Silence has passed, and everybody has been told so. */
async function falls(scene: Scene, { group, ...devices }: { readonly group: Group } & Record<string, unknown>): Promise<void> {
  await scene.focus.expires(group.identity, "group-session", "inactivityMs");
  for (const device of Object.values(devices) as Device[]) expect((await device.chat.dialog.hearsBye()).headers("Reason")).toEqual([]);
  await quiet(50);
}

const operators = reached("by the operator");

conversation(
  "the operator removes from a group and ends it, while it is active and while it is idle",
  { more: ["--admin", "127.0.0.1:0"] },
  async (scene) => {
    const { group, alice, bob, carol } = await scene.trio();
    await operates(scene, `${idOf(group)}/participants/2`);
    expect((await carol.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=200;text="Booted"');
    await operates(scene, idOf(group));
    for (const one of [alice, bob]) expect((await one.chat.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=410;text="Gone"');

    const second = new Scene(scene.focus);
    try {
      const idle = await second.trio();
      await falls(scene, { ...idle });
      await operates(scene, `${idOf(idle.group)}/participants/2`);
      expect((await idle.carol.asks(idle.carol.joining(idle.group))).status).toBe(403);
      await operates(scene, idOf(idle.group));
      expect((await idle.bob.asks(idle.bob.joining(idle.group))).status).toBe(404);
    } finally {
      second.close();
    }
  },
  operators.filter((transition) => /admin\.(end|remove)/.test(transition)),
);

conversation(
  "the server stops: a group that is active, one that is idle, an offer that nobody has answered, and a file on its way",
  {},
  async (scene) => {
    const [active, idle, offering] = [scene, new Scene(scene.focus), new Scene(scene.focus)];
    try {
      const sleeping = await idle.trio();
      await falls(scene, { ...sleeping });
      const asked = await offering.trio();
      const unanswered = asked.alice.send(asked.alice.offer(asked.group).text);
      for (const one of [asked.bob, asked.carol]) one.rings(await one.isOffered());
      const { group, alice, bob, carol } = await active.trio();
      const offer = alice.offer(group);
      const sent = alice.asks(offer.text);
      const toBob = await bob.takes(await bob.isOffered(), offer.file);
      carol.rings(await carol.isOffered());
      const sender = await alice.established(await sent, offer.path);

      const stopped = scene.focus.stop();
      expect((await asked.alice.sip.finalTo(unanswered)).status).toBe(503);
      for (const one of [asked.bob, asked.carol, carol]) await one.sip.hears("CANCEL ");
      for (const { dialog } of [alice.chat, sender, toBob]) expect((await dialog.hearsBye()).headers("Reason").join()).not.toContain("410");
      expect(await stopped).toBe(0);
    } finally {
      idle.close();
      offering.close();
    }
  },
  operators.filter((transition) => transition.includes("admin.shutdown")),
);

/** Alice offers a file on a path that nobody can be reached at; Bob has accepted it, Carol's phone rings. */
async function unreachable(scene: Scene): Promise<{ group: Group; toBob: Leg; carol: Device; toCarol: SipText; ok: SipText; dialog: Dialog }> {
  const { group, alice, bob, carol } = await scene.trio();
  const offer = alice.offer(group);
  const sent = alice.asks(offer.text.replaceAll(offer.path, "msrp:nowhere"));
  const toCarol = await carol.isOffered();
  carol.rings(toCarol);
  const toBob = await bob.takes(await bob.isOffered(), offer.file);
  const ok = await sent;
  expect(ok.status).toBe(200);
  return { group, toBob, carol, toCarol, ok, dialog: Dialog.called(alice, ok) };
}

conversation(
  "RFC 4975 §5.4: a sender whose MSRP path is none: BYE with 480 when its ACK has come, or when it can no longer come",
  {},
  async (scene) => {
    const { dialog, ok } = await unreachable(scene);
    dialog.acknowledge(ok);
    expect((await dialog.hearsBye()).header("Reason")).toBe('SIP;cause=480;text="Bearer unavailable"');
    const [late, alone] = [new Scene(scene.focus), new Scene(scene.focus)];
    try {
      const forgotten = await unreachable(late);
      await scene.focus.expires(forgotten.group.identity, "large-message-sender", "noAckMs");
      expect((await forgotten.dialog.hearsBye()).header("Reason")).toBe('SIP;cause=480;text="Bearer unavailable"');

      // Nobody is left who wants it before the ACK has come.
      const unwanted = await unreachable(alone);
      await unwanted.toBob.dialog.end();
      unwanted.carol.declines(unwanted.toCarol);
      await quiet(100);
      unwanted.dialog.acknowledge(unwanted.ok);
      await unwanted.dialog.hearsBye();
    } finally {
      late.close();
      alone.close();
    }
  },
  reached("by a fault"),
);
