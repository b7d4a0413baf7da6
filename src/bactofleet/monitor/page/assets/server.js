// What the server is asked for, and whether it answers.

const TIMEOUT_MS = 15000;

// Since when the server does not answer, a Date; null while it does.
let lostSince = null;

// Return what is at an address; null if the server does not answer, or has nothing to say yet.
async function ask(address, query = {}) {
  try {
    const reply = await fetch(`${address}?${new URLSearchParams(query)}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const answer = reply.ok ? await reply.json() : null;
    lostSince = null;
    return answer;
  } catch {
    lostSince ??= new Date();
    return null;
  }
}
