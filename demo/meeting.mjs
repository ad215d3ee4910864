// Plans the demo company's meeting over the API, as the board would; once.
//
//   node demo/meeting.mjs http://127.0.0.1:8080 irina@northway.example PASSWORD
//
// Prints nothing when the meeting is there already.

const [base, email, password] = process.argv.slice(2);
const TITLE = "Morning roll call";

/** Extensions of the company, and how they take part. */
const STAFF = {
  101: "moderator", 112: "speaker", 118: "speaker", 116: "speaker",
  204: "speaker", 207: "speaker", 212: "speaker", 215: "speaker",
  218: "speaker", 224: "speaker", 221: "listener",
};

const OUTSIDE = [
  { name: "Hans Weber", number: "+493020932093", role: "speaker" },
  { name: "Müller GmbH, Berlin", number: "+4930901820", role: "listener" },
  { name: "Dealer, Oryol", number: "+74862550010", role: "listener" },
];

let cookie = "";

async function ask(method, path, body) {
  const response = await fetch(`${base}/api/v1/${path}`, {
    method,
    headers: { cookie, ...(body && { "content-type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  const set = response.headers.get("set-cookie"); // the session's, and no other
  if (set) cookie = set.split(";")[0];
  return text ? JSON.parse(text) : null;
}

/** The entries of a listing, whether it is an array or an object around one. */
const entries = (listing) => (Array.isArray(listing) ? listing : Object.values(listing)[0]);

async function main() {
  await ask("POST", "session", { email, password });
  const meetings = entries(await ask("GET", "meetings"));
  if (meetings.some((meeting) => meeting.title === TITLE)) return;

  const people = entries(await ask("GET", "people"));
  const rooms = entries(await ask("GET", "rooms"));
  const staff = Object.entries(STAFF).map(([extension, role]) => {
    const person = people.find((one) => one.extension === extension);
    if (!person) throw new Error(`Nobody has extension ${extension}`);
    return { employee_id: person.id, role };
  });
  // Tomorrow at nine; who presses Start need not wait for it.
  const day = new Date(Date.now() + 24 * 3_600_000).toISOString().slice(0, 10);
  await ask("POST", "meetings", {
    title: TITLE,
    room_id: rooms.find((room) => room.number === "9000").id,
    starts_local: `${day}T09:00`,
    duration_min: 60,
    lead_s: 0,
    participants: [...staff, ...OUTSIDE],
  });
  console.log(`==> Planned the meeting "${TITLE}"`);
}

main().catch((error) => {
  console.error(`The demo meeting could not be planned: ${error.message}`);
  process.exitCode = 1;
});
