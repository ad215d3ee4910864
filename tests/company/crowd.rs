//! A company of one manager and many drivers on IP-SIMs, and the phones they carry.

pub fn name(nth: usize) -> String {
    format!("Driver {nth}")
}

fn number(nth: usize) -> String {
    format!("+7916400{nth:04}")
}

pub fn company(trunk: &str, drivers: usize) -> String {
    let mut company = format!(
        r#"
[company]
name = "Northway Logistics"
domain = "northway.example"
time_zone = "Europe/Moscow"
lead_s = 0

[[trunks]]
name = "North"
address = "{trunk}"
caller_number = "+74951204040"

[[rooms]]
number = "9000"
name = "Roll call"

[[numbers]]
number = "+74951204040"
room = "9000"

[[employees]]
name = "Irina Belova"
extension = "101"
email = "irina@northway.example"
password = "northway-company-1"
level = "administrator"
devices = [{{ kind = "sip_phone", username = "irina", secret = "irina-company-1" }}]
"#
    );
    for nth in 0..drivers {
        company += &format!(
            "[[employees]]\nname = \"{}\"\nextension = \"{}\"\n\
             devices = [{{ kind = \"ip_sim\", mobile = \"{}\", short = \"{}\", trunk = \"North\" }}]\n",
            name(nth),
            200 + nth,
            number(nth),
            400 + nth,
        );
    }
    company
}

pub fn script(drivers: usize) -> String {
    (0..drivers)
        .map(|nth| {
            // Some are quick, some let it ring: whatever happens meets them all in another state.
            // Whoever picks up while nobody hears his ringing may be a mailbox: he is asked for a key.
            let after = 0.2 + (nth % 7) as f64 * 0.2;
            format!(
                "[[line]]\nname = \"{}\"\nnumber = \"{}\"\nvoice = {{ tone_hz = 440, codecs = [\"pcma\"] }}\n\
                 steps = [{{ do = \"answer\", after_s = {after:.1}, silent = true, \
                 press = [{{ key = \"1\" }}] }}]\n",
                name(nth),
                number(nth),
            )
        })
        .collect()
}
