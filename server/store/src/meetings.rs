//! Meetings: the plans. A plan and its dates are written together.

use domain::{
    CompanyId, MeetingId, Millis, OccurrenceId, RoomId, meeting::Meeting, occurrence::Occurrence,
    series::AnswerChanges,
};

use crate::{
    InvitationRow, Store, StoreError, Versioned, answers,
    db::Tx,
    events, invitations, occurrences,
    text::{from_json, parse, to_json},
};

/// A plan with its dates and who is expected at them, to be written as one.
#[derive(Debug, Clone)]
pub struct Plan {
    pub meeting: Meeting,
    /// The version at which the plan was read, 0 for a new one; none writes over whatever is there.
    pub read_at: Option<i64>,
    /// When further dates are to be made; none when there are none to come.
    pub extend_at: Option<Millis>,
    /// Dates that are due by a plan of old are made even if somebody else has the room by now.
    pub even_if_booked: bool,
    pub occurrences: Vec<Versioned<Occurrence>>,
    pub invitations: Vec<InvitationRow>,
    /// Invitations that are no longer: not one call must have been made for them.
    pub withdrawn: Vec<domain::InvitationId>,
    /// What was said in writing, as far as it counts otherwise under this plan.
    pub answers: AnswerChanges,
    /// Each the `api` crate's JSON of one event, in order.
    pub events: Vec<String>,
}

/// A stretch of time at which something planned is held or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub occurrence: OccurrenceId,
    pub meeting: MeetingId,
    pub room: RoomId,
    pub starts_at: Millis,
    pub ends_at: Millis,
}

/// Who has the room at a time somebody else asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub occurrence: Occurrence,
    /// From when the room is free for as long as was asked.
    pub next_free_at: Millis,
}

impl Store {
    /// Writes a plan, new or changed, unless another meeting has the room at one of its times.
    ///
    /// # Errors
    /// [`StoreError::RoomBooked`] by another occurrence, [`StoreError::Stale`]
    /// if one of the rows has been written since it was read.
    pub async fn save_plan(&self, plan: &Plan, now: Millis) -> Result<Vec<i64>, StoreError> {
        self.save_plans(std::slice::from_ref(plan), now).await
    }

    /// Writes several plans of one company as one, in order: what the first gives
    /// up is free for the next.
    pub async fn save_plans(&self, plans: &[Plan], now: Millis) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.write().await?;
        let mut numbers = Vec::new();
        for plan in plans {
            save(&mut tx, plan, now, &mut numbers).await?;
        }
        tx.commit().await?;
        Ok(numbers)
    }

    pub async fn meeting(&self, company: CompanyId, id: MeetingId) -> Result<Meeting, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT body FROM meetings WHERE id = $1 AND company_id = $2 AND removed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        let (body,) = row.ok_or_else(|| StoreError::NotFound {
            what: "meeting",
            id: id.to_string(),
        })?;
        from_json("meetings", &body)
    }

    /// A plan and its version, for one who means to change it.
    pub async fn meeting_to_change(
        &self,
        company: CompanyId,
        id: MeetingId,
    ) -> Result<Versioned<Meeting>, StoreError> {
        let row: Option<(i64, String)> = sqlx::query_as(
            "SELECT version, body FROM meetings
              WHERE id = $1 AND company_id = $2 AND removed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        let (version, body) = row.ok_or_else(|| StoreError::NotFound {
            what: "meeting",
            id: id.to_string(),
        })?;
        Ok(Versioned {
            version,
            value: from_json("meetings", &body)?,
        })
    }

    /// The series of all companies whose further dates are to be made, `limit` at most.
    pub async fn meetings_to_extend(
        &self,
        now: Millis,
        limit: i64,
    ) -> Result<Vec<Versioned<Meeting>>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT id, version, body FROM meetings
              WHERE extend_at <= $1 AND removed_at IS NULL ORDER BY extend_at, id LIMIT $2",
        )
        .bind(now.0)
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, version, body)| {
            Ok(Versioned {
                version,
                value: from_json("meetings", &body)?,
            })
        }))
    }

    /// A series that cannot be extended now is looked at again later.
    pub async fn extend_later(&self, id: MeetingId, at: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE meetings SET extend_at = $2 WHERE id = $1")
            .bind(id.to_string())
            .bind(at.0)
            .execute(&self.db)
            .await?;
        Ok(())
    }

    /// The dates of all companies' plans that are still to come, each with its plan, by id after
    /// the one named, `limit` at most.
    pub async fn dates_to_come(
        &self,
        now: Millis,
        after: Option<OccurrenceId>,
        limit: i64,
    ) -> Result<Vec<(Versioned<Meeting>, Occurrence)>, StoreError> {
        let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
            "SELECT o.id, m.version, m.body, o.body
               FROM occurrences o JOIN meetings m ON m.id = o.meeting_id
              WHERE o.status = 'scheduled' AND o.starts_at > $1 AND o.id > $2
                AND m.removed_at IS NULL
              ORDER BY o.id LIMIT $3",
        )
        .bind(now.0)
        .bind(after.map_or_else(String::new, |id| id.to_string()))
        .bind(limit)
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, version, meeting, date)| {
            let meeting = Versioned {
                version,
                value: from_json("meetings", &meeting)?,
            };
            Ok((meeting, from_json("occurrences", &date)?))
        }))
    }

    /// The series of a company that have dates yet to be made.
    pub async fn series_to_come(&self, company: CompanyId) -> Result<Vec<Meeting>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM meetings
              WHERE company_id = $1 AND extend_at IS NOT NULL AND removed_at IS NULL ORDER BY id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("meetings", &body)))
    }

    /// What is planned or goes on in a company in a stretch of time, by start;
    /// `but` is a meeting whose own dates do not count.
    pub async fn planned_between(
        &self,
        company: CompanyId,
        from: Millis,
        until: Millis,
        but: Option<MeetingId>,
    ) -> Result<Vec<Slot>, StoreError> {
        type Columns = (String, String, String, i64, i64);
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, meeting_id, room_id, starts_at, ends_at FROM occurrences
              WHERE company_id = $1 AND starts_at < $3 AND ends_at > $2 AND meeting_id <> $4
                AND status IN ('scheduled', 'early', 'calling', 'live', 'open')
              ORDER BY starts_at, id",
        )
        .bind(company.to_string())
        .bind(from.0)
        .bind(until.0)
        .bind(but.map_or_else(String::new, |id| id.to_string()))
        .fetch_all(&self.db)
        .await?;
        let slot = |(id, meeting, room, starts_at, ends_at): Columns| {
            Ok(Slot {
                occurrence: parse("occurrences", &id)?,
                meeting: parse("occurrences", &meeting)?,
                room: parse("occurrences", &room)?,
                starts_at: Millis(starts_at),
                ends_at: Millis(ends_at),
            })
        };
        rows.into_iter().map(slot).collect()
    }

    /// All plans of a company, oldest first.
    pub async fn meetings(&self, company: CompanyId) -> Result<Vec<Meeting>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM meetings WHERE company_id = $1 AND removed_at IS NULL ORDER BY id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("meetings", &body)))
    }

    /// Takes a plan out of the calendar. Its past dates and their calls stay for the reports.
    ///
    /// `occurrences` are its dates as they now are, called off where they were still to come.
    pub async fn remove_meeting(
        &self,
        meeting: &Meeting,
        occurrences: &[Versioned<Occurrence>],
        events: &[String],
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.write().await?;
        let done =
            sqlx::query("UPDATE meetings SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL")
                .bind(meeting.id.to_string())
                .bind(now.0)
                .execute(&mut tx)
                .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound {
                what: "meeting",
                id: meeting.id.to_string(),
            });
        }
        for occurrence in occurrences {
            occurrences::write(&mut tx, occurrence).await?;
        }
        let mut numbers = Vec::with_capacity(events.len());
        for body in events {
            numbers.push(events::append(&mut tx, meeting.company, now, body).await?);
        }
        tx.commit().await?;
        Ok(numbers)
    }

    /// Who has the room between two times, and when it is free for that long.
    ///
    /// `but` is a meeting whose own dates do not count.
    pub async fn booking(
        &self,
        company: CompanyId,
        room: RoomId,
        from: Millis,
        until: Millis,
        but: Option<MeetingId>,
    ) -> Result<Option<Booking>, StoreError> {
        let mut tx = self.read().await?;
        let Some(id) = booked(&mut tx, room, from, until, but).await? else {
            return Ok(None);
        };
        let mut start = from;
        while let Some(by) = booked(&mut tx, room, start, start + (until - from), but).await? {
            start = occurrences::read(&mut tx, company, by).await?.value.ends_at;
        }
        let occurrence = occurrences::read(&mut tx, company, id).await?.value;
        Ok(Some(Booking {
            occurrence,
            next_free_at: start,
        }))
    }
}

async fn save(
    tx: &mut Tx,
    plan: &Plan,
    now: Millis,
    numbers: &mut Vec<i64>,
) -> Result<(), StoreError> {
    let company = plan.meeting.company;
    // Two plans for one room at once: the company's row makes one wait for the other.
    sqlx::query("UPDATE companies SET event_seq = event_seq WHERE id = $1")
        .bind(company.to_string())
        .execute(&mut *tx)
        .await?;
    for Versioned {
        value: occurrence, ..
    } in &plan.occurrences
    {
        if plan.even_if_booked || occurrences::is_over(occurrence) {
            continue;
        }
        let (from, until) = (occurrence.starts_at, occurrence.ends_at);
        let but = Some(plan.meeting.id);
        if let Some(by) = booked(tx, occurrence.room, from, until, but).await? {
            return Err(StoreError::RoomBooked { by });
        }
    }
    write_plan(tx, plan).await?;
    for occurrence in &plan.occurrences {
        occurrences::write(tx, occurrence).await?;
    }
    for id in &plan.withdrawn {
        invitations::remove(tx, *id).await?;
    }
    for invitation in &plan.invitations {
        invitations::write(tx, invitation).await?;
    }
    answers::write(tx, company, plan.meeting.id, &plan.answers).await?;
    for body in &plan.events {
        numbers.push(events::append(tx, company, now, body).await?);
    }
    Ok(())
}

/// The first occurrence that has the room for some of the time. Gatherings that nobody planned book nothing.
async fn booked(
    connection: &mut Tx,
    room: RoomId,
    from: Millis,
    until: Millis,
    but: Option<MeetingId>,
) -> Result<Option<OccurrenceId>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM occurrences
          WHERE room_id = $1 AND starts_at < $3 AND ends_at > $2 AND meeting_id <> $4
            AND status IN ('scheduled', 'early', 'calling', 'live', 'open')
          ORDER BY starts_at, id LIMIT 1",
    )
    .bind(room.to_string())
    .bind(from.0)
    .bind(until.0)
    .bind(but.map_or_else(String::new, |id| id.to_string()))
    .fetch_optional(connection)
    .await?;
    row.map(|(id,)| parse("occurrences", &id)).transpose()
}

/// A plan at the version it was read at.
async fn write_plan(connection: &mut Tx, plan: &Plan) -> Result<(), StoreError> {
    let meeting = &plan.meeting;
    let done = sqlx::query(
        "INSERT INTO meetings (id, company_id, body, version, extend_at) VALUES ($1, $2, $3, 1, $4)
         ON CONFLICT (id) DO UPDATE
            SET body = excluded.body, version = meetings.version + 1, extend_at = excluded.extend_at
          WHERE meetings.removed_at IS NULL AND ($5 < 0 OR meetings.version = $5)",
    )
    .bind(meeting.id.to_string())
    .bind(meeting.company.to_string())
    .bind(to_json(meeting))
    .bind(plan.extend_at.map(|at| at.0))
    .bind(plan.read_at.unwrap_or(-1))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Stale {
            what: "meeting",
            id: meeting.id.to_string(),
        });
    }
    Ok(())
}

pub(crate) async fn write(connection: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO meetings (id, company_id, body, version) VALUES ($1, $2, $3, 1)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = meetings.version + 1",
    )
    .bind(meeting.id.to_string())
    .bind(meeting.company.to_string())
    .bind(to_json(meeting))
    .execute(connection)
    .await?;
    Ok(())
}
