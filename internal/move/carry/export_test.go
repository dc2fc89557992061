package carry

// Limit bounds the memory for candidates, and how many are asked about at a time.
func (c *Carrier) Limit(bytes, most int) { c.limit, c.most = bytes, most }
