// Package tunnel reaches databases through SSH hosts, as the operator's own ssh
// would.
//
// A way is a list of hosts, the first one reached from here and each next one
// through the one before it. The way to one host is one connection, however
// many databases lie behind it. It has these states:
//
//	none ─► dialling ─► open ─► retired ─► closed
//	  ▲         │         │                  ▲
//	  └─ failed ┘         └──────── dead ────┘
//
// Nothing is dialled before the first database asks. While a host is dialled,
// all who need it wait for that one attempt, each no longer than its own
// context; the attempt has a limit of its own, and a host that does not answer
// delays nobody who does not go through it. A failed attempt is forgotten: the
// next one who asks dials again. An open connection is asked every 15 seconds
// whether it lives, and one that has said nothing for 30 seconds is dead: it is
// closed, and every database connection in it with it, as if a network cable
// had been cut. Reset retires connections: what runs in them goes on, new
// database connections go through a new one, and a retired one is closed with
// the last thing that it carries. Close closes all.
//
// Who a host is, known_hosts alone says. A host whose key nobody has accepted
// is refused with the key's fingerprint, and one whose key is another than the
// accepted is refused with both, always. StrictHostKeyChecking cannot soften
// that. Trust adds a key, whole or not at all.
//
// Hosts, users, ports, keys, jump hosts and files of known hosts come from
// ~/.ssh/config and /etc/ssh/ssh_config. What these ask for and this package
// cannot do, such as ProxyCommand, is an error and is never passed over. Keys
// are those of the agent first, then files. A key's passphrase is asked for
// when a host has accepted the key, and is kept nowhere.
//
// A crash leaves nothing but, at worst, a temporary file beside known_hosts.
// TLS is the database's own, end to end: a tunnel sees none of it.
package tunnel
