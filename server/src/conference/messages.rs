//! What is written to people when calling them has come to its end. It leaves
//! with the rows of what ended it, and the post sends it.

use domain::{
    InvitationId, Millis,
    invitation::{Finish, Invitation},
    rules::LastAct,
};
use store::NoticeRow;

use super::Conference;
use crate::notices::last_act::Scene;

impl Conference {
    /// A word to somebody who was not reached: how he may still come.
    pub(super) fn write_to(&mut self, id: InvitationId, act: LastAct, now: Millis) {
        let notice = self.in_scene(id, |scene, to| scene.word(to, act, now));
        if notice.is_none() {
            tracing::info!(invitation = %id, ?act, "There is nothing he could be written to by");
        }
        self.unwritten.notices.extend(notice);
    }

    /// The organiser is told by mail why somebody does not come.
    pub(super) fn tell_organiser(&mut self, id: InvitationId, why: Finish, now: Millis) {
        let notice = self.in_scene(id, |scene, of| scene.word_to_organiser(of, why, now));
        if notice.is_none() {
            tracing::info!(invitation = %id, ?why, "Nobody is known who could be told by mail");
        }
        self.unwritten.notices.extend(notice);
    }

    fn in_scene(
        &self,
        id: InvitationId,
        write: impl FnOnce(&Scene<'_>, &Invitation) -> Option<NoticeRow>,
    ) -> Option<NoticeRow> {
        let page = self.shared.book.page();
        let scene = Scene {
            company: page.company(self.company)?,
            room: page.room(self.room).map(|(_, room)| room)?,
            occurrence: &self.occurrence.as_ref()?.value,
            meeting: self.meeting.as_ref(),
            language: self.language(),
            title: &self.title(),
            has_mail: self.shared.mail.is_some(),
        };
        write(&scene, &self.seats.get(&id)?.invitation)
    }
}
