import { SaxesParser } from "saxes";
import { PeerMisbehaved } from "../errors.ts";

/** An element of a document that has been read whole. */
export interface XmlElement {
  /** The local name. */
  readonly name: string;
  /** The namespace name; empty where there is none. */
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlElement[];
  /** The character data directly inside, joined. */
  readonly text: string;
}

export interface XmlAttribute {
  readonly name: string;
  readonly namespace: string;
  readonly value: string;
}

/** Room for the longest recipient list that we take; of the worst document of this size the reading takes some 20 ms. */
const usualMostOctets = 131_072;
const deepest = 64;

const malformed = (detail: string) => new PeerMisbehaved("XML_MALFORMED", "XML §2.1", 400, detail);

const utf8 = new TextDecoder("utf-8", { fatal: true });

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

/**
 * Reads a document in UTF-8 and gives its root.
 *
 * A document type declaration is refused, so there are no entities but the five of XML itself.
 *
 * @throws {PeerMisbehaved} XML_MALFORMED, 400: not well-formed, with a DTD, not UTF-8, above `mostOctets`, or deeper than 64 elements
 */
export function parseXml(octets: Uint8Array, mostOctets = usualMostOctets): XmlElement {
  if (octets.length > mostOctets) throw malformed(`above ${mostOctets} octets`);
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  const parser = new SaxesParser({ xmlns: true, position: false });
  parser.on("error", () => {
    throw malformed("not well-formed");
  });
  parser.on("doctype", () => {
    throw malformed("a document type declaration");
  });
  parser.on("opentag", ({ local, uri, attributes }) => {
    if (open.length === deepest) throw malformed(`deeper than ${deepest} elements`);
    const element: OpenElement = {
      name: local,
      namespace: uri,
      attributes: Object.values(attributes).map((attribute) => ({ name: attribute.local, namespace: attribute.uri, value: attribute.value })),
      children: [],
      text: "",
    };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  const addText = (text: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.write(decode(octets)).close();
  if (root === undefined) throw malformed("no root element");
  return root;
}

function decode(octets: Uint8Array): string {
  try {
    return utf8.decode(octets);
  } catch {
    throw malformed("not UTF-8");
  }
}

/** The first child element of that name, in the parent's namespace. */
export const childOf = (parent: XmlElement, name: string): XmlElement | undefined =>
  parent.children.find((child) => child.name === name && child.namespace === parent.namespace);

/** The child elements of that name, in the parent's namespace. */
export const childrenOf = (parent: XmlElement, name: string): XmlElement[] =>
  parent.children.filter((child) => child.name === name && child.namespace === parent.namespace);

/** The text of that child, without the space around it. */
export const textOf = (parent: XmlElement, name: string): string | undefined => childOf(parent, name)?.text.trim();

/** The value of an attribute that is in no namespace. */
export const attributeOf = (element: XmlElement, name: string): string | undefined =>
  element.attributes.find((attribute) => attribute.name === name && attribute.namespace === "")?.value;

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;" };

/**
 * Character data or an attribute's value, safe between tags and between double quotes.
 *
 * A control character, which XML cannot carry at all, becomes U+FFFD; a lone
 * surrogate does so when the document is encoded.
 */
export const escapeXml = (text: string): string =>
  text
    .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"\t\n\r]/g, (character) => entities[character]!);

/** The declaration with which every document of ours begins. */
export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\r\n';

/** An element whose content is XML already; an attribute without a value is left out. */
export function formatElement(name: string, attributes: Readonly<Record<string, string | undefined>>, content = ""): string {
  const written = Object.entries(attributes).map(([attribute, value]) => (value === undefined ? "" : ` ${attribute}="${escapeXml(value)}"`));
  const opening = `<${name}${written.join("")}`;
  return content === "" ? `${opening}/>` : `${opening}>${content}</${name}>`;
}

/** An element of text; nothing where there is no text. */
export const formatText = (name: string, text: string | number | undefined): string => (text === undefined ? "" : formatElement(name, {}, escapeXml(String(text))));
