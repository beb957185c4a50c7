// The few pictures of the page, as strokes in the colour of the text around them.

const STROKES = {
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  play: "M5 3.5l7 4.5-7 4.5z",
  stop: "M4.5 4.5h7v7h-7z",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9M7 7v4M9 7v4",
  undo: "M3 6.5h6.5a3.5 3.5 0 010 7H6M5.5 3.5l-3 3 3 3",
  sun: "M8 5.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  moon: "M13 9.6A5.4 5.4 0 016.4 3a5.4 5.4 0 106.6 6.6z",
  auto: "M8 2.5a5.5 5.5 0 100 11zM8 2.5a5.5 5.5 0 010 11",
  bell: "M4 11V7.2a4 4 0 018 0V11l1 1.3H3zM6.7 14h2.6",
  "bell-off": "M4 11V7.2a4 4 0 016.6-3M12 8v3l1 1.3H4.5M6.7 14h2.6M2.5 2.5l11 11",
  help: "M6 6a2 2 0 113 1.8c-.7.4-1 .8-1 1.7M8 12.2v.3",
  grid: "M2.5 3.5h11v9h-11zM8 3.5v9",
  tabs: "M2.5 5.5h11v7h-11zM2.5 5.5v-2h4l1 2",
  eye: "M1.8 8S4 4 8 4s6.200 4 6.200 4-2.200 4-6.200 4-6.200-4-6.200-4zM8 6.300a1.700 1.700 0 100 3.400 1.700 1.700 0 000-3.400",
  keyboard: "M1.500 4.500h13v7.500h-13zM4 7h.1M6.600 7h.1M9.300 7h.1M12 7h.1M5 9.700h6",
  out: "M9.500 3h-6v10h6M7 8h6.500M11 5.500L13.500 8 11 10.500",
  back: "M10 3.500L5.500 8l4.500 4.500",
  more: "M3.250 7.700a.3.3 0 1 0 .01 0zM8 7.700a.3.3 0 1 0 .01 0zM12.750 7.700a.3.3 0 1 0 .01 0z",
  restart: "M13 8a5 5 0 11-1.600-3.700M13 2.500v2.800h-2.800",
  key: "M10.500 2.500a3 3 0 11-2.300 4.900L3 12.500v1h2v-1.500h1.500",
} as const;

export type Icon = keyof typeof STROKES;

const SVG = "http://www.w3.org/2000/svg";

export function icon(name: Icon): SVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}
