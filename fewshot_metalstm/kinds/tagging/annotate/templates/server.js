// Talks to the server; one action after another, so that each sees what the last one did.
const KEY = "fewshot-metalstm-token";

// The token comes behind # in the address, which no server is sent; then it stays in this tab alone.
const token = () => {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEY) || "";
};
const mine = token();

export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error || `the server answers ${status}`);
    this.status = status;
    this.answer = answer;
  }
}

const ask = async (path, options = {}) => {
  const headers = { Authorization: `Bearer ${mine}`, ...options.headers };
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch {
    throw new Refused(0, { error: "the server does not answer: is fewshot-metalstm annotate still running?" });
  }
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, found);
  return found;
};

export const get = (path) => ask(path);

let last = Promise.resolve();

// `made` gives the body when it is its turn, with what the answer before has brought.
export const post = (path, made) => {
  const send = async () => {
    const body = typeof made === "function" ? made() : made;
    return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  };
  const answer = last.then(send);
  last = answer.catch(() => undefined);
  return answer;
};
