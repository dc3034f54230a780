/**
 * The flows of `flows/*.md` on sockets: each `wire` block is a conversation with a focus that was started with its policies.
 *
 * A line is who, to whom, what, and details, two spaces apart. A detail of what a device says is its own (`list: bob carol`,
 * `file: photo.jpg`) or a line of the message; of what a device hears it is a whole line of the message, in which `…` stands for
 * anything, or `no: TEXT`, which must not be in it. `<group>` is the Group Session Identity, `<bob>` is Bob's address.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { bothTypes, contactLine, creation, photo } from "./octets.ts";
import { focus, receivesFile, sendsFile, type Device, type Group, type Leg, type Scene } from "./scene.ts";
import { sha256, token, type SipText } from "./stranger.ts";

interface Line {
  readonly from: string;
  readonly to: string | undefined;
  readonly what: string;
  readonly details: readonly string[];
  readonly text: string;
}

function lineOf(text: string): Line {
  const [who = "", what = "", ...details] = text.trim().split(/\s{2,}/);
  const [from = "", to] = who.split(" -> ");
  return { from, to, what, details, text };
}

/** One person of a flow, and what is under way with the focus. */
class Player {
  readonly device: Device;
  /** The last request that was sent, and the path and kind of its session. */
  sent: { readonly request: string; readonly path: string; readonly isFile: boolean } | undefined;
  answer: SipText | undefined;
  invite: SipText | undefined;
  /** The session that carries the file; it may come to nothing. */
  file: Promise<Leg> | undefined;

  constructor(device: Device) {
    this.device = device;
  }
}

const known = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`the flow has no ${what} here`);
  return value;
};

/** Whether a line of the message is that one, in which `…` stands for anything. */
function hasLine(octets: string, expected: string): boolean {
  const parts = expected.split("…");
  return octets.split("\r\n").some((line) => {
    let at = 0;
    for (const [index, part] of parts.entries()) {
      const next = line.toLowerCase().indexOf(part.toLowerCase(), at);
      if (next < 0 || (index === 0 && next > 0)) return false;
      at = next + part.length;
    }
    return expected.endsWith("…") || at === line.length;
  });
}

/** One flow while it is played. */
class Play {
  readonly #scene: Scene;
  readonly #players = new Map<string, Player>();
  #group: Group | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async run(line: Line): Promise<void> {
    if (line.from.startsWith("group of ")) await this.#meet(line.from.slice(9).split(", "));
    else if (line.to === undefined) await this.#silence(this.#player(line.from), line.what);
    else if (line.from === "focus") await this.#hears(this.#player(line.to), line);
    else await this.#says(await this.#arrived(line.from), line);
  }

  #player(name: string): Player {
    return known(this.#players.get(name), `person called ${name}`);
  }

  async #arrived(name: string): Promise<Player> {
    const player = this.#players.get(name) ?? new Player(await this.#scene.device(name));
    this.#players.set(name, player);
    return player;
  }

  async #meet(names: readonly string[]): Promise<void> {
    const group = await this.#scene.group(names as [string, ...string[]]);
    for (const name of names) this.#players.set(name, new Player(group.of(name)));
    this.#group = group;
  }

  /** `<group>` and `<bob>` as addresses; parameters behind a name stay. */
  #addressed(text: string): string {
    return text.replace(/<(\w+)(;[^>]*)?>/g, (whole, name: string, params = "") => {
      if (name === "group") return `<${known(this.#group, "group").identity}>`;
      return this.#players.has(name) ? `<${this.#scene.aor(name)}${params}>` : whole;
    });
  }

  // -------------------------------------------------------------- what a device says

  async #says(player: Player, { what, details }: Line): Promise<void> {
    const { device } = player;
    const detail = (name: string) => details.find((one) => one.startsWith(`${name}: `))?.slice(name.length + 2);
    const own = details.map((one) => this.#addressed(one)).join("\n");

    if (what === "INVITE <factory>") {
      const others = await Promise.all(known(detail("list"), "list").split(" ").map((name) => this.#arrived(name)));
      const path = device.path();
      const ids = { conversationId: token(), contributionId: token() };
      player.sent = { request: device.send(creation({ from: device, list: others.map((one) => one.device.aor), path, ...ids })), path, isFile: false };
      this.#group = { identity: "", ...ids };
    } else if (what === "INVITE <group>" && detail("file") !== undefined) {
      const offer = device.offer(known(this.#group, "group"));
      player.sent = { request: device.send(offer.text), path: offer.path, isFile: true };
    } else if (what === "INVITE <group>") {
      const path = device.path();
      player.sent = { request: device.send(device.joining(known(this.#group, "group"), path)), path, isFile: false };
    } else if (what === "ACK") await this.#establish(player);
    else if (what === "200 OK") await this.#accept(player, details);
    else if (/^\d{3} /.test(what)) device.declines(known(player.invite, "INVITE"), what);
    else if (what === "BYE") player.sent = { request: device.send(device.chat.dialog.request("BYE", own)), path: "", isFile: false };
    else if (what === "REFER") player.sent = { request: device.send(device.chat.dialog.request("REFER", `${contactLine(device)}\n${own}`)), path: "", isFile: false };
    else if (what.startsWith("SEND ")) expect((await device.says(what.slice(5))).startLine).toMatch(/ 200 OK$/);
    else if (what === photo.name) await sendsFile(await known(player.file, "session for a file"), photo);
    else throw new Error(`nobody can say ${what}`);
  }

  async #establish(player: Player): Promise<void> {
    const { path, isFile } = known(player.sent, "request");
    const leg = await player.device.established(known(player.answer, "answer"), path);
    if (isFile) player.file = Promise.resolve(leg);
    else player.device.createdChat(leg);
  }

  async #accept(player: Player, details: readonly string[]): Promise<void> {
    const invite = known(player.invite, "INVITE");
    if (!invite.header("Accept-Contact").includes("filetransfer")) return void (await player.device.entersChat(invite));
    player.file = player.device.takes(invite, photo, details.join("\n") || bothTypes);
    // Who is left out may lose the connection before it is bound: that shows when the file is wanted.
    player.file.catch(() => {});
  }

  // -------------------------------------------------------------- what a device hears

  async #hears(player: Player, { what, details }: Line): Promise<void> {
    const { device } = player;
    if (what.startsWith("SEND ")) return void (await device.chat.hears(what.slice(5)));
    if (what === photo.name) {
      const { octets, flag } = await receivesFile(await known(player.file, "session for a file"));
      return expect({ flag, octets: octets.length, sha256: sha256(octets) }).toEqual({ flag: "$", octets: photo.octets.length, sha256: sha256(photo.octets) });
    }
    const heard = await this.#heard(player, what);
    for (const detail of details) {
      if (detail.startsWith("no: ")) expect(heard.octets.toLowerCase()).not.toContain(detail.slice(4).toLowerCase());
      else if (!hasLine(heard.octets, this.#addressed(detail))) throw new Error(`no line ${this.#addressed(detail)} in\n${heard.octets}`);
    }
  }

  async #heard(player: Player, what: string): Promise<SipText> {
    const [method = "", address] = what.split(" ");
    if (/^\d{3}$/.test(method)) {
      const answer = await player.device.sip.finalTo(known(player.sent, "request").request);
      expect(answer.startLine).toBe(`SIP/2.0 ${what}`);
      player.answer = answer;
      if (this.#group?.identity === "") this.#group = { ...this.#group, identity: answer.uri("Contact") };
      return answer;
    }
    const request = await player.device.sip.hears(`${method} `);
    if (method === "INVITE") player.invite = request;
    if (address !== undefined) expect(request.header("To")).toContain(this.#addressed(address));
    return request;
  }

  async #silence({ device }: Player, what: string): Promise<void> {
    const method = what.replace("hears no ", "");
    if (method === "SEND") await device.chat.hearsNothing();
    else await device.sip.hearsNothing(`${method} `);
  }
}

const directory = new URL("../flows/", import.meta.url);
for (const file of readdirSync(directory).filter((name) => name.endsWith(".md")).sort()) {
  const text = readFileSync(new URL(file, directory), "utf8");
  for (const [, given = "", body = ""] of text.matchAll(/^```wire *([^\n]*)\n(.*?)^```$/gms)) {
    const policies = Object.fromEntries(given.split(" ").filter((word) => word !== "").map((word) => word.split("=") as [string, string]));
    focus(`${file}: ${/^# (.*)$/m.exec(text)?.[1] ?? ""}`, { policies }, (conversation) => {
      conversation(given === "" ? "with the policies as they are" : `with ${given}`, async (scene) => {
        const play = new Play(scene);
        for (const line of body.split("\n").filter((one) => one.trim() !== "").map(lineOf)) {
          await play.run(line).catch((error: unknown) => {
            throw new Error(`${line.text.trim()}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
          });
        }
      });
    });
  }
}
