// Package notify sends messages to people and programs: mail over SMTP, webhooks
// that Slack and what is compatible with it understand, and webhooks of our own form; and
// notifications on the desktop of the computer on which it runs.
//
// A Channel sends one Message and says whether it arrived. It keeps nothing and tries
// once: package alert keeps what is to be sent and comes again. A Later error says
// that the receiver may take the message another time, and when it said so itself;
// what it refuses for good is notify_refused.
//
// A webhook of our own form is a POST of the Message as JSON. Its header
// Shard-Admin-Signature holds t=SECONDS,v1=HEX, the HMAC-SHA256 of SECONDS, a dot and
// the body under the channel's secret: a receiver computes it, compares in constant
// time, and refuses what is older than it likes. Idempotency-Key is the same for each
// try of one message, and so is the Message-ID of a mail.
//
// Addresses of webhooks are secrets like passwords: neither errors nor logs name more
// of one than its host. Redirects are not followed: they would hand the message, and
// its signature, to somebody else. Without TLS nothing is sent but to this computer.
package notify
