package manage

// CountParents is how many living tokens of our own are looked at for what descends from them.
const CountParents = countParents
