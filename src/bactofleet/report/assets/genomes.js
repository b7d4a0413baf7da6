// What a reader has chosen stands in the address, after `#?`, so that a link shows the same:
// `#?where=status:=failed&sort=-minutes&show=finished&genome=SRX1&colour=species`. Addresses of
// sections have no `?`.

const START = "#?";

function readAddress() {
  return location.hash.startsWith(START) ? new URLSearchParams(location.hash.slice(START.length)) : null;
}

function writeAddress(state) {
  const hash = START + state;
  const isNew = location.hash !== hash && (state.size || location.hash.startsWith(START));
  if (isNew) history.replaceState(null, "", hash);
}

// The genomes of a page: their table, the dialog that shows one of them, and the column by which
// plots are coloured, "" for none. `options` are those of the table; `read` is that of the dialog;
// `onColour` is called when an address has been read.
class Genomes {
  colour = "";

  constructor(columns, { read, onColour = () => {}, ...options }) {
    this.onColour = onColour;
    const onChange = () => this.keep();
    this.table = new GenomeTable(find("table-place"), columns, { ...options, onState: onChange, onOpen: (name) => this.open(name) });
    this.detail = new Detail(find("detail"), { read, table: this.table, onChange });
  }

  // Show what the address says, or everything; also when the address is changed later.
  async start() {
    addEventListener("hashchange", () => this.follow(readAddress()));
    const state = readAddress() ?? new URLSearchParams();
    if ([...state.keys()].some((name) => name !== "colour")) find("table").scrollIntoView();
    await this.follow(state);
  }

  async follow(state) {
    if (!state) return;
    this.colour = state.get("colour") ?? "";
    this.onColour();
    await this.table.setState(state);
    if (state.has("genome")) await this.open(state.get("genome"));
  }

  keep() {
    const { state } = this.table;
    if (this.detail.sample !== null) state.set("genome", this.detail.sample);
    if (this.colour) state.set("colour", this.colour);
    writeAddress(state);
  }

  open(name) {
    return this.detail.open(name);
  }

  only(filters) {
    this.table.only(filters);
    find("table").scrollIntoView();
  }
}
