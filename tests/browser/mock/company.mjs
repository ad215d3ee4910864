// A company in the middle of a roll call, as the server's types describe it. Times are relative
// to the moment it is made, so that every countdown counts.

let counter = 0;
const id = () => `01890000-0000-7000-8000-${(++counter).toString(16).padStart(12, '0')}`;

const line = (state, extra = {}) => ({ state, dnd: false, since_at: null, evidence: [], ...extra });
const text = (code, args = {}) => ({ code, args });

/** The whole snapshot, and names for what the tests and screenshots point at. */
export function company(now = Date.now(), { listeners = 12, empty = false, language = 'en' } = {}) {
  counter = 0;
  const ru = language === 'ru';
  const s = (n) => now - n * 1000;
  const evidence = (state, source, at, code, args, confidence = 'exact', until = null) => ({
    state, source, at, until_at: until, confidence, text: text(code, args),
  });
  const registered = (ago) => evidence('free', 'registration', s(ago), 'registered', {}, 'sure', now + 240_000);
  const people = [];
  const person = (name, group, extension, kind, address, view = line('free', { since_at: s(600), evidence: [registered(600)] })) => {
    const row = { id: id(), name, group, extension, devices: [{ id: id(), kind, address }], line: view, room: null, member: null };
    people.push(row);
    return row;
  };
  const n = (en, russian) => (ru ? russian : en);
  const [sales, drivers, office] = [n('Sales', 'Продажи'), n('Drivers', 'Водители'), n('Office', 'Офис')];
  const busy = (minutes) => line('busy', {
    since_at: s(minutes * 60 + 12),
    evidence: [evidence('busy', 'own_call', s(minutes * 60 + 12), 'our_call', {})],
  });
  const offline = line('offline', {
    since_at: s(66),
    evidence: [
      evidence('offline', 'outcome', s(66), 'cause', { cause: '20', trunk: n('North', 'Север') }, 'sure', now + 54_000),
      evidence('offline', 'registration', s(277), 'expired', {}, 'likely', null),
    ],
  });
  const timur = person(n('Timur Valiev', 'Тимур Валиев'), sales, '231', 'ip_sim', '+79162041138');
  const zoya = person(n('Zoya Petrenko', 'Зоя Петренко'), sales, '114', 'sip_phone', 'zoya');
  person(n('Ilya Nosov', 'Илья Носов'), sales, '209', 'ip_sim', '+79161112209', busy(4));
  const viktor = person(n('Viktor Lapin', 'Виктор Лапин'), sales, '212', 'ip_sim', '+79161112212', busy(3));
  const oleg = person(n('Oleg Sorokin', 'Олег Сорокин'), sales, '204', 'ip_sim', '+79161112204');
  const sveta = person(n('Sveta Kim', 'Света Ким'), sales, '215', 'ip_sim', '+79161112215');
  const anna = person(n('Anna Reut', 'Анна Реут'), drivers, '218', 'ip_sim', '+79161112218', offline);
  person(n('Egor Tishin', 'Егор Тишин'), drivers, '221', 'ip_sim', '+79161112221', line('ringing', { since_at: s(5), evidence: [evidence('ringing', 'own_call', s(5), 'our_call_rings', {})] }));
  person(n('Mila Danko', 'Мила Данько'), drivers, '222', 'ip_sim', '+79161112222', line('free', { dnd: true, since_at: s(600), evidence: [registered(600)] }));
  const marat = person(n('Marat Iskanderov', 'Марат Искандеров'), drivers, '224', 'ip_sim', '+79161112224', line('ringing', { since_at: s(8), evidence: [evidence('ringing', 'own_call', s(8), 'our_call_rings', {})] }));
  const rustam = person(n('Rustam Galeev', 'Рустам Галеев'), drivers, '207', 'ip_sim', '+79161112207');
  person(n('Anton Gusev', 'Антон Гусев'), office, '301', 'outside', '+74951234567', line('unknown'));
  person(n('Roza Akhmetova', 'Роза Ахметова'), office, '105', 'sip_phone', 'roza');
  const dina = person(n('Dina Safina', 'Дина Сафина'), office, '116', 'sip_phone', 'dina');
  const katya = person(n('Katya Melnik', 'Катя Мельник'), office, '112', 'sip_phone', 'katya');
  const lena = person(n('Lena Frolova', 'Лена Фролова'), office, '118', 'sip_phone', 'lena');
  const irina = person(n('Irina Belova', 'Ирина Белова'), office, '101', 'sip_phone', 'irina');
  const pavel = person(n('Pavel Orlov', 'Павел Орлов'), office, '219', 'ip_sim', '+79161112219', offline);

  const room = (number, name, extra = {}) => ({ id: id(), number, name, has_pin: false, numbers: [], occurrence: null, members: 0, ...extra });
  const dealers = room('9000', n('Dealers', 'Дилеры'), { numbers: ['+74951204040'] });
  const rooms = [dealers, room('9001', n('Drivers', 'Водители')), room('9002', n('Board of directors', 'Совет'), { has_pin: true })];

  const starts = s(197);
  const meeting = (title, where, at, who, minutes = 60) => ({
    id: id(), title, room_id: where.id, time_zone: 'Europe/Moscow', starts_local: new Date(at).toISOString().slice(0, 16),
    starts_at: at, duration_min: minutes, lead_s: 180, early_s: 0, warn_s: 300, own_people_need_no_key: true, remind_min: 15, series: null,
    participants: who.map((p) => ({ employee_id: p.id, name: p.name, number: null, role: p === irina ? 'moderator' : 'speaker' })),
    rules: null, occurrence_ids: [],
  });
  const meetings = [];
  const occurrences = [];
  const date = (m, status) => {
    const where = rooms.find((r) => r.id === m.room_id);
    const o = {
      id: id(), meeting_id: m.id, title: m.title, room_id: m.room_id, room_number: where.number, status,
      starts_at: m.starts_at, ends_at: m.starts_at + m.duration_min * 60_000, dial_at: m.starts_at - 180_000,
      late: false, expected: m.participants.length, date: null, time_zone: m.time_zone, restorable: false,
    };
    m.occurrence_ids.push(o.id);
    meetings.push(m);
    occurrences.push(o);
    return o;
  };
  const live = empty ? null : date(meeting(n('Dealers’ hour', 'Час дилеров'), dealers, starts, [irina, oleg, katya, rustam, lena, sveta, marat, viktor, dina, anna, pavel]), 'live');
  if (live) dealers.occurrence = live.id;
  const monday = new Date(now); monday.setHours(0, 0, 0, 0);
  // On a weekend everything ahead is next week's.
  monday.setDate(monday.getDate() - ((monday.getDay() + 6) % 7) + (monday.getDay() % 6 === 0 ? 7 : 0));
  const at = (day, hour, minute = 0) => new Date(monday.getFullYear(), monday.getMonth(), monday.getDate() + day, hour, minute).getTime();
  const plan = (title, where, day, hour, minute, who, length) => {
    const when = at(day, hour, minute);
    if (when > now) date(meeting(title, where, when, who, length), 'scheduled');
  };
  const [d, dr] = [dealers, rooms[1]];
  plan(n('Warehouse move', 'Переезд склада'), dr, 1, 11, 0, [oleg, sveta, timur, zoya], 90);
  plan(n('Tender, lot 4', 'Тендер, лот 4'), d, 2, 10, 0, [irina, oleg, katya], 60);
  plan(n('Bank', 'Банк'), d, 2, 15, 0, [irina, lena], 45);
  plan(n('Interviews', 'Собеседования'), dr, 3, 10, 45, [marat, rustam], 60);
  plan(n('Dealers, Volga', 'Дилеры, Волга'), d, 4, 12, 0, [irina, oleg, katya, sveta], 60);
  plan(n('Week’s end', 'Итоги недели'), d, 4, 16, 0, [irina, oleg, katya, rustam, lena], 30);

  const members = [];
  const invitations = [];
  const member = (who, role, ago, extra = {}) => {
    const row = {
      id: id(), room_id: dealers.id, name: who.name, employee_id: who.id ?? null, number: who.number ?? null,
      device_kind: who.devices?.[0].kind ?? 'outside', role, muted: false, talking: false, joined_at: s(ago), invitation_id: null,
      codec: 'opus', quality: { loss_percent: 0.1, jitter_ms: 4, rtt_ms: 31, delay_ms: 42, silent_since_at: null }, ...extra,
    };
    members.push(row);
    if (who.id) Object.assign(who, { room: dealers.id, member: row.id });
    return row;
  };
  const invite = (who, status, extra = {}) => {
    const row = {
      id: id(), occurrence_id: live.id, room_id: dealers.id, employee_id: who.id ?? null, name: who.name, number: who.number ?? null,
      role: 'speaker', status, reason: null, next: { kind: 'nothing' }, tries_made: 1, tries_allowed: null, rsvp: null, ...extra,
    };
    invitations.push(row);
    return row;
  };
  const reason = (outcome, ago, times = 1, rang_ms = null) => ({ outcome, at: s(ago), times, rang_ms });
  const call = (left, extra = {}) => ({ kind: 'call', at: now + left * 1000, sooner: null, until_in: false, then: 'nothing', ...extra });
  const waits = (left) => ({ kind: 'waiting', due_at: now + left * 1000, why: 'retry' });
  const quality = (extra) => ({ quality: { loss_percent: 0.1, jitter_ms: 6, rtt_ms: 40, delay_ms: 50, silent_since_at: null, ...extra } });
  let named = {};
  if (live) {
    const inside = [
      member(irina, 'moderator', 197), member(oleg, 'speaker', 191, { talking: true }), member(katya, 'speaker', 194, { muted: true }),
      member(rustam, 'speaker', 189, quality({ loss_percent: 4.2 })), member(lena, 'speaker', 178),
      member({ name: 'Hans Weber', number: '+4930901830' }, 'speaker', 160, quality({ silent_since_at: s(12) })),
      member(sveta, 'speaker', 92),
    ];
    for (const row of inside) {
      const who = people.find((p) => p.id === row.employee_id) ?? row;
      row.invitation_id = invite({ id: row.employee_id, name: who.name, number: row.number }, { kind: 'in_room', member_id: row.id, since_at: row.joined_at }).id;
    }
    const towns = ru ? ['Орёл', 'Пенза', 'Киров', 'Казань', 'Омск', 'Тверь', 'Курск', 'Уфа', 'Пермь', 'Чита'] : ['Oryol', 'Penza', 'Kirov', 'Kazan', 'Omsk', 'Tver', 'Kursk', 'Ufa', 'Perm', 'Chita'];
    for (let i = 0; i < listeners; i++) {
      const name = i % 3 === 0 ? `${n('Dealer', 'Дилер')}, ${towns[(i / 3) % towns.length | 0]}` : `+7 9${60 + (i % 30)} ${834 - (i % 300)}-••-${10 + (i % 80)}`;
      member({ name, number: `+7960${1000000 + i}` }, 'listener', 20 + i * 7 % 180, i % 11 === 4 ? quality({ loss_percent: 6 }) : {});
    }
    named = {
      marat: invite(marat, { kind: 'calling', attempt_id: id(), phase: 'ringing', since_at: s(8), gives_up_at: now + 22_000 },
        { reason: reason('dropped', 20), next: { kind: 'give_up_ringing', at: now + 22_000 }, tries_made: 1, tries_allowed: 1 }),
      viktor: invite(viktor, waits(13), { reason: reason('busy', 32, 8), tries_made: 8, next: call(13, { sooner: 'hangs_up', until_in: true }) }),
      dina: invite(dina, waits(103), { reason: reason('no_answer', 77, 2), tries_made: 2, tries_allowed: 3, next: call(103, { then: 'tell_organiser' }) }),
      muller: invite({ name: n('Müller GmbH, Berlin', 'Müller GmbH, Берлин'), number: '+4930901820' }, waits(168),
        { reason: reason('not_confirmed', 132), tries_made: 1, tries_allowed: 2, next: call(168) }),
      anna: invite(anna, waits(234), { reason: reason('offline', 66), tries_made: 1, tries_allowed: 3, next: call(234, { sooner: 'back_in_network', then: 'announce_offline' }) }),
      pavel: invite(pavel, { kind: 'finished', why: 'declined', at: s(188) }, { reason: reason('declined', 188, 1, 6000) }),
    };
    live.expected = invitations.length;
    dealers.members = members.length;
  }
  const me = {
    user_id: id(), employee_id: irina.id, name: irina.name, email: 'irina@northway.example', level: 'administrator',
    company_id: id(), company_name: 'Northway Logistics', language, time_zone: 'Europe/Moscow',
  };
  const rules = {
    busy: { wait_ms: 20_000, first_ms: 120_000, then_wait_ms: 45_000 },
    offline: { wait_ms: 300_000, tries: 2, announce: true, call_when_back: true },
    no_answer: { waits_ms: [60_000, 180_000] }, not_confirmed: { wait_ms: 300_000, tries: 1 }, dropped: { wait_ms: 5_000, tries: 1 },
    network: { round_waits_ms: [10_000, 20_000, 30_000] }, ring_ms: 30_000, setup_ms: 30_000, confirm_ms: 30_000, later_ms: 300_000, after_freed_ms: 3_000,
  };
  const snapshot = {
    seq: 1, now, me,
    company: {
      id: me.company_id, name: 'Northway Logistics', domain: 'northway.example', language, time_zone: 'Europe/Moscow',
      quiet_hours: { from: '21:00', until: '09:00' }, lead_s: 300, remind_min: 15, rules, trunks: [{ id: id(), name: 'North', state: 'up' }],
    },
    people, rooms, members, meetings, occurrences, invitations,
  };
  return { snapshot, named: { timur, zoya, oleg, katya, anna, dealers, live, ...named }, id };
}
