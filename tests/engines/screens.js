// Shows byte streams in xterm.js: a job in each line of standard input, a screen in each line of standard output.
//
// A job: {id, columns, rows, scrollback, unicode: "6" | "11" | "graphemes", data, cells?: true}.
// Its answer: {id, rows: [text], cursor: [row, column], replies, cells?: [[[text, width]]]}; `rows` begins with the
// scrollback, `cursor` counts from its first row, `replies` is what the terminal sent back.
"use strict";
const { Terminal } = require("@xterm/headless");
const { Unicode11Addon } = require("@xterm/addon-unicode11");
const { UnicodeGraphemesAddon } = require("@xterm/addon-unicode-graphemes");

function terminal(job) {
  const made = new Terminal({
    cols: job.columns,
    rows: job.rows,
    scrollback: job.scrollback,
    allowProposedApi: true,
    logLevel: "off",
  });
  if (job.unicode === "11") {
    made.loadAddon(new Unicode11Addon());
    made.unicode.activeVersion = "11";
  } else if (job.unicode === "graphemes") {
    made.loadAddon(new UnicodeGraphemesAddon()); // which makes its own tables the active ones
  } else {
    made.unicode.activeVersion = "6";
  }
  return made;
}

function answer(job, shown, replies) {
  const buffer = shown.buffer.active;
  const rows = [];
  const cells = [];
  for (let number = 0; number < buffer.length; number++) {
    const line = buffer.getLine(number);
    rows.push(line.translateToString(true));
    if (job.cells) {
      const row = [];
      for (let column = 0; column < line.length; column++) {
        const cell = line.getCell(column);
        row.push([cell.getChars(), cell.getWidth()]);
      }
      cells.push(row);
    }
  }
  const cursor = [buffer.baseY + buffer.cursorY, buffer.cursorX];
  return { id: job.id, rows, cursor, replies: replies.join(""), ...(job.cells ? { cells } : {}) };
}

async function main() {
  const lines = require("readline").createInterface({ input: process.stdin, crlfDelay: Infinity });
  for await (const line of lines) {
    const job = JSON.parse(line);
    const shown = terminal(job);
    const replies = [];
    shown.onData((data) => replies.push(data));
    await new Promise((done) => shown.write(job.data, done));
    process.stdout.write(JSON.stringify(answer(job, shown, replies)) + "\n");
    shown.dispose();
  }
}

main();
