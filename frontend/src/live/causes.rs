//! What an operator or a phone answered, in words; the figures stand behind them for whoever
//! calls the operator about it.

use crate::texts::Texts;

/// "busy (486, cause 17)". A cause says more than the code it comes with.
pub fn said(t: Texts, code: Option<u16>, cause: Option<u16>) -> String {
    let figures = match (code, cause) {
        (Some(code), Some(cause)) => t.cause_both(&code, &cause),
        (Some(code), None) => code.to_string(),
        (None, Some(cause)) => t.ev_cause(&cause),
        (None, None) => return String::new(),
    };
    let words = cause
        .and_then(|cause| of_cause(t, cause))
        .or_else(|| code.and_then(|code| of_code(t, code)));
    match words {
        Some(words) => t.cause_said(&words, &figures),
        None => figures,
    }
}

/// Of ITU-T Q.850.
fn of_cause(t: Texts, cause: u16) -> Option<&'static str> {
    Some(match cause {
        1 | 22 | 28 => t.cause_no_number(),
        16 => t.cause_normal(),
        17 => t.cause_busy(),
        18 | 20 => t.cause_off(),
        19 => t.cause_no_answer(),
        21 => t.cause_declined(),
        27 => t.cause_out_of_order(),
        34 | 38 | 41 | 42 | 47 => t.cause_network(),
        55 | 57 => t.cause_forbidden(),
        65 | 79 | 88 => t.cause_codec(),
        _ => return None,
    })
}

/// Of SIP.
fn of_code(t: Texts, code: u16) -> Option<&'static str> {
    Some(match code {
        200..=299 => t.cause_taken_up(),
        401..=403 | 407 => t.cause_forbidden(),
        404 | 410 | 484 | 604 => t.cause_no_number(),
        408 => t.cause_silence(),
        415 | 488 | 606 => t.cause_codec(),
        480 => t.cause_off(),
        486 | 600 => t.cause_busy(),
        487 => t.cause_we_gave_up(),
        500..=599 => t.cause_network(),
        603 | 607 | 608 => t.cause_declined(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use api::Language;

    use super::*;

    #[test]
    fn a_figure_is_never_alone_where_it_has_a_meaning() {
        let t = Texts(Language::English);
        assert_eq!(said(t, Some(486), Some(17)), "busy (486, cause 17)");
        assert_eq!(said(t, Some(503), None), "fault in the network (503)");
        assert_eq!(said(t, Some(480), Some(19)), "no answer (480, cause 19)");
    }

    #[test]
    fn a_figure_that_we_do_not_know_is_shown_as_it_is() {
        let t = Texts(Language::Russian);
        assert_eq!(said(t, Some(699), None), "699");
        assert_eq!(said(t, None, None), "");
    }
}
