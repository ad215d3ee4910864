//! The rows of the benchmark: meetings of ten people, spread evenly over two weeks.

use domain::{
    CompanyId, InvitationId, MeetingId, Millis, OccurrenceId, Role, RoomId, Span, UserId, Zone,
    invitation::Invitation,
    meeting::{Invitee, Meeting, Participant},
    occurrence::{Occurrence, Status},
};
use store::{Batch, InvitationRow, Plan, Store, Versioned};

use super::BenchError;

pub const PEOPLE: usize = 10;
const TWO_WEEKS: Span = Span::minutes(14 * 24 * 60);
const LASTS: Span = Span::minutes(30);

/// Of so many meetings one has been called off.
const CALLED_OFF_ONE_IN: usize = 20;

/// How many plans are written at once while the tables are filled.
const AT_ONCE: usize = 200;

const COMPANY: &str = "[company]\nname = \"Bench\"\ndomain = \"bench.example\"\ntime_zone = \"UTC\"\n\n[[rooms]]\nnumber = \"9000\"\nname = \"All\"\n";

pub struct Calendar {
    pub company: CompanyId,
    begin: Millis,
    made: u64,
    sizes: Sizes,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    pub meetings: usize,
    pub invitations: usize,
}

impl Calendar {
    pub async fn new(store: &Store, begin: Millis) -> Result<Self, BenchError> {
        let applied = rollcall::company_file::apply_text(store, "bench.toml", COMPANY, begin)
            .await
            .map_err(|error| BenchError::Other(error.to_string()))?;
        Ok(Self {
            company: applied.company,
            begin,
            made: 0,
            sizes: Sizes::default(),
        })
    }

    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// Plans meetings until there are so many invitations, between now and the end of the two weeks.
    pub async fn grow(
        &mut self,
        store: &Store,
        invitations: usize,
        now: Millis,
    ) -> Result<(), BenchError> {
        let more = (invitations - self.sizes.invitations) / PEOPLE;
        let from = now + Span::minutes(10);
        let each = (self.begin + TWO_WEEKS - from).0 / i64::try_from(more).unwrap_or(1).max(1);
        let mut plans = Vec::with_capacity(AT_ONCE);
        for place in 0..more {
            let starts_at = from + Span(each * i64::try_from(place).unwrap_or(0));
            let off = place % CALLED_OFF_ONE_IN == 0;
            plans.push(self.plan(starts_at, PEOPLE, off));
            if plans.len() == AT_ONCE || place + 1 == more {
                store.save_plans(&plans, now).await?;
                plans.clear();
            }
        }
        self.sizes.meetings += more;
        self.sizes.invitations += more * PEOPLE;
        Ok(())
    }

    pub fn plan(&mut self, starts_at: Millis, people: usize, off: bool) -> Plan {
        let (meeting_id, room) = (
            MeetingId::new(starts_at, self.random()),
            RoomId::new(starts_at, self.random()),
        );
        let meeting = Meeting {
            id: meeting_id,
            company: self.company,
            title: format!("Meeting {}", self.made),
            room,
            zone: Zone::UTC,
            starts_local: starts_at
                .in_zone(Zone::UTC)
                .unwrap_or_else(|| unreachable!("the two weeks are in the calendar")),
            duration_ms: LASTS,
            series: None,
            lead_ms: Span::minutes(5),
            early_ms: Span::ZERO,
            warn_ms: Span::ZERO,
            participants: self.people(people),
            rules: None,
            own_people_need_no_key: true,
            lobby: false,
            language: None,
            remind_ms: None,
            organiser: None::<UserId>,
        };
        let occurrence = Occurrence {
            id: OccurrenceId::new(starts_at, self.random()),
            company: self.company,
            meeting: Some(meeting.id),
            slot: None,
            room,
            title: meeting.title.clone(),
            zone: Some(Zone::UTC),
            starts_at,
            ends_at: starts_at + LASTS,
            dial_at: starts_at - meeting.lead_ms,
            opens_at: None,
            late: false,
            status: match off {
                true => Status::Cancelled { at: self.begin },
                false => Status::Scheduled,
            },
        };
        let mut invitations = Vec::with_capacity(people);
        for (place, one) in meeting.participants.iter().enumerate() {
            invitations.push(InvitationRow {
                company: self.company,
                position: i64::try_from(place).unwrap_or(0),
                version: 0,
                invitation: Invitation::new(
                    InvitationId::new(starts_at, self.random()),
                    occurrence.id,
                    one.invitee.clone(),
                    one.role,
                    occurrence.dial_at,
                ),
            });
        }
        Plan {
            meeting,
            read_at: None,
            extend_at: None,
            even_if_booked: true,
            occurrences: vec![Versioned::new(occurrence)],
            invitations,
            withdrawn: Vec::new(),
            answers: domain::series::AnswerChanges::default(),
            events: Vec::new(),
        }
    }

    /// Other numbers for each meeting: two calls at once to one person are another matter.
    fn people(&mut self, people: usize) -> Vec<Participant> {
        let first = self.made * 64;
        let number = |place: usize| format!("+4930{:09}", first + place as u64);
        (0..people)
            .filter_map(|place| {
                Some(Participant {
                    invitee: Invitee::Outside {
                        name: None,
                        number: number(place).parse().ok()?,
                    },
                    role: Role::Speaker,
                    email: None,
                })
            })
            .collect()
    }

    /// Different every time, and the same in every run.
    pub fn random(&mut self) -> [u8; 10] {
        self.made += 1;
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        bytes[8..].copy_from_slice(&[(self.made >> 8) as u8, self.made as u8]);
        bytes
    }

    /// What opens is opened, what is over is ended, as the scheduler would.
    pub async fn go_on(
        &mut self,
        store: &Store,
        opening: Vec<Versioned<Occurrence>>,
        under_way: Vec<Versioned<Occurrence>>,
        now: Millis,
    ) -> Result<(), BenchError> {
        for mut row in opening.into_iter().chain(under_way) {
            if row.value.handle_timeout(now).is_empty() {
                continue;
            }
            let mut batch = Batch::new(self.company, now);
            batch.occurrences.push(row);
            store.write_batch(&batch).await?;
        }
        Ok(())
    }

    /// Those who were claimed have been called, and are done.
    pub async fn answered(
        &mut self,
        store: &Store,
        claimed: Vec<InvitationRow>,
        now: Millis,
    ) -> Result<(), BenchError> {
        let mut batch = Batch::new(self.company, now);
        batch.invitations = claimed;
        for row in &mut batch.invitations {
            row.invitation.on_meeting_over(now);
        }
        store.write_batch(&batch).await?;
        Ok(())
    }
}
