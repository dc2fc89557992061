// Package web serves the page on this computer's loopback address, with the
// same bound structs as the window.
//
//	GET  /?token=T                       once; sets the cookie and leads to /
//	POST /bindings/{Service}/{Method}    arguments as a JSON array
//	GET  /events                         server-sent events
//	GET  /…                              the page's files
//
// A call answers 200 with the JSON of its result (null where there is none), or
// an error's status with the JSON text {"code","message","hint"}, which is what
// the window rejects with. An event is one line of data, {"event","payload"}.
//
// Any program on this computer and any site in a browser on it can reach the
// port, so: the listener refuses every address but loopback; the address that
// is printed carries a token that works once and becomes a cookie, HttpOnly and
// SameSite=Strict; the Host must be the listener's own, so that a name that was
// made to point here gets nothing; a request that tells where it comes from
// must come from here; and the policy for content lets the page load and reach
// nothing else. No answer of a call is cached.
package web
