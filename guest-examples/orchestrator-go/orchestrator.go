// Package orchestrator is orchestrator:net@0.1.0 for scenarios in Go.
//
// A scenario is an ordinary program, built by
//
//	GOOS=wasip1 GOARCH=wasm go build -o lab.wasm
//
// What the functions do is told in wit/ (`orchestrator wit` prints it), under the name of the `ip` noun in theirs: [AddVeth] is veth.add.
// A call that is refused returns an [*Error], whose message is one line for people.
//
// The functions share one place for what comes back, so they are to be called by one goroutine at a time.
//
// Netns and Link are handles. Dropping one removes nothing from the network; a scenario holds at most 100,000 at a time.
package orchestrator

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// Code says what kind of failure a call met.
type Code byte

// The codes, as wit/errors.wit has them.
const (
	Denied Code = iota
	AlreadyExists
	NotFound
	InUse
	InvalidArgument
	Unsupported
	Unreachable
	TimedOut
	Limit
	Kernel
)

// Error is a call that was refused.
type Error struct {
	Code Code
	// Message is one line for people; its wording may change.
	Message string
	// Errno is the name of Linux's errno, if the kernel knows the reason.
	Errno string
}

func (e *Error) Error() string { return e.Message }

// Netns is a network namespace.
type Netns struct{ handle int32 }

// Link is a link of any kind.
type Link struct{ handle int32 }

//go:wasmimport orchestrator:net/netns@0.1.0 host
func netnsHost() int32

//go:wasmimport orchestrator:net/netns@0.1.0 add
func netnsAdd(name string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 get
func netnsGet(name string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 list
func netnsList(answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.name
func netnsName(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.forwarding
func netnsForwarding(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.set-forwarding
func netnsSetForwarding(netns int32, on bool, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.autoconfiguration
func netnsAutoconfiguration(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.set-autoconfiguration
func netnsSetAutoconfiguration(netns int32, on bool, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [method]netns.remove
func netnsRemove(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/netns@0.1.0 [resource-drop]netns
func netnsDrop(netns int32)

// Host returns the netns that plays the host.
func Host() Netns { return Netns{netnsHost()} }

// AddNetns is netns.add.
func AddNetns(name string) (Netns, error) {
	netnsAdd(name, area())
	return oneNetns()
}

// GetNetns is netns.get.
func GetNetns(name string) (Netns, error) {
	netnsGet(name, area())
	return oneNetns()
}

// ListNetns is netns.list.
func ListNetns() []Netns {
	var list [2]uint32
	netnsList(unsafe.Pointer(&list))
	defer func() { held = held[:0] }()
	return append([]Netns(nil), unsafe.Slice((*Netns)(at(list[0])), list[1])...)
}

// Name returns the name of the netns.
func (n Netns) Name() string {
	return onText(func(place unsafe.Pointer) { netnsName(n.handle, place) })
}

// Forwarding tells whether it forwards packets.
func (n Netns) Forwarding() (bool, error) {
	netnsForwarding(n.handle, area())
	return oneBool()
}

// SetForwarding has it forward packets, or stop doing so.
func (n Netns) SetForwarding(on bool) error {
	netnsSetForwarding(n.handle, on, area())
	return done()
}

// Autoconfiguration tells whether the kernel configures the IPv6 of its links by itself.
func (n Netns) Autoconfiguration() (bool, error) {
	netnsAutoconfiguration(n.handle, area())
	return oneBool()
}

// SetAutoconfiguration has the kernel configure the IPv6 of its links by itself, or not.
func (n Netns) SetAutoconfiguration(on bool) error {
	netnsSetAutoconfiguration(n.handle, on, area())
	return done()
}

// Remove removes it with its links.
func (n Netns) Remove() error {
	netnsRemove(n.handle, area())
	return done()
}

// Drop gives the handle up.
func (n Netns) Drop() { netnsDrop(n.handle) }

//go:wasmimport orchestrator:net/link@0.1.0 get
func linkGet(netns int32, name string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 list
func linkList(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.name
func linkName(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.netns-name
func linkNetnsName(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.kind
func linkKind(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.mac-address
func linkMacAddress(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.mtu
func linkMtu(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.is-up
func linkIsUp(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.set-up
func linkSetUp(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.set-down
func linkSetDown(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.set-mtu
func linkSetMtu(link int32, mtu uint32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.set-name
func linkSetName(link int32, name string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.set-netns
func linkSetNetns(link, target int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [method]link.remove
func linkRemove(link int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/link@0.1.0 [resource-drop]link
func linkDrop(link int32)

// GetLink is link.get.
func GetLink(netns Netns, name string) (Link, error) {
	linkGet(netns.handle, name, area())
	return oneLink()
}

// ListLinks is link.list.
func ListLinks(netns Netns) ([]Link, error) {
	linkList(netns.handle, area())
	return handles()
}

// Name returns the name of the link.
func (l Link) Name() string {
	return onText(func(place unsafe.Pointer) { linkName(l.handle, place) })
}

// NetnsName returns the name of the netns that it is in.
func (l Link) NetnsName() string {
	return onText(func(place unsafe.Pointer) { linkNetnsName(l.handle, place) })
}

// Kind returns its kind, as `ip -d link` prints it.
func (l Link) Kind() string {
	return onText(func(place unsafe.Pointer) { linkKind(l.handle, place) })
}

// MACAddress returns its MAC address.
func (l Link) MACAddress() (string, error) {
	linkMacAddress(l.handle, area())
	defer func() { held = held[:0] }()
	if err := failure(); err != nil {
		return "", err
	}
	return text(answer[1], answer[2]), nil
}

// MTU returns the size of its largest packet in bytes.
func (l Link) MTU() (uint32, error) {
	linkMtu(l.handle, area())
	err := done()
	return answer[1], err
}

// IsUp tells whether it is set up.
func (l Link) IsUp() (bool, error) {
	linkIsUp(l.handle, area())
	return oneBool()
}

// SetUp sets it up.
func (l Link) SetUp() error {
	linkSetUp(l.handle, area())
	return done()
}

// SetDown sets it down.
func (l Link) SetDown() error {
	linkSetDown(l.handle, area())
	return done()
}

// SetMTU sets the size of its largest packet.
func (l Link) SetMTU(bytes uint32) error {
	linkSetMtu(l.handle, bytes, area())
	return done()
}

// SetName renames it.
func (l Link) SetName(name string) error {
	linkSetName(l.handle, name, area())
	return done()
}

// SetNetns moves it to another netns.
func (l Link) SetNetns(target Netns) error {
	linkSetNetns(l.handle, target.handle, area())
	return done()
}

// Remove removes it.
func (l Link) Remove() error {
	linkRemove(l.handle, area())
	return done()
}

// Drop gives the handle up.
func (l Link) Drop() { linkDrop(l.handle) }

//go:wasmimport orchestrator:net/veth@0.1.0 add
func vethAdd(netns int32, name string, peerNetns int32, peerName string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/veth@0.1.0 add-with-queues
func vethAddWithQueues(netns int32, name string, peerNetns int32, peerName string, queues uint32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/veth@0.1.0 peer
func vethPeer(link int32, answer unsafe.Pointer)

// AddVeth is veth.add: it returns the end in netns, then the one in peerNetns.
func AddVeth(netns Netns, name string, peerNetns Netns, peerName string) (Link, Link, error) {
	vethAdd(netns.handle, name, peerNetns.handle, peerName, area())
	return pair()
}

// AddVethWithQueues is veth.add-with-queues.
func AddVethWithQueues(netns Netns, name string, peerNetns Netns, peerName string, queues uint32) (Link, Link, error) {
	vethAddWithQueues(netns.handle, name, peerNetns.handle, peerName, queues, area())
	return pair()
}

// VethPeer is veth.peer.
func VethPeer(link Link) (Link, error) {
	vethPeer(link.handle, area())
	return oneLink()
}

func pair() (Link, Link, error) {
	if err := done(); err != nil {
		return Link{}, Link{}, err
	}
	return Link{int32(answer[1])}, Link{int32(answer[2])}, nil
}

//go:wasmimport orchestrator:net/bridge@0.1.0 add
func bridgeAdd(netns int32, name string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/bridge@0.1.0 add-port
func bridgeAddPort(bridge, port int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/bridge@0.1.0 remove-port
func bridgeRemovePort(port int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/bridge@0.1.0 ports
func bridgePorts(bridge int32, answer unsafe.Pointer)

// AddBridge is bridge.add.
func AddBridge(netns Netns, name string) (Link, error) {
	bridgeAdd(netns.handle, name, area())
	return oneLink()
}

// AddPort is bridge.add-port.
func AddPort(bridge, port Link) error {
	bridgeAddPort(bridge.handle, port.handle, area())
	return done()
}

// RemovePort is bridge.remove-port.
func RemovePort(port Link) error {
	bridgeRemovePort(port.handle, area())
	return done()
}

// Ports is bridge.ports.
func Ports(bridge Link) ([]Link, error) {
	bridgePorts(bridge.handle, area())
	return handles()
}

//go:wasmimport orchestrator:net/address@0.1.0 add
func addressAdd(link int32, cidr string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/address@0.1.0 remove
func addressRemove(link int32, cidr string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/address@0.1.0 list
func addressList(link int32, answer unsafe.Pointer)

// AddAddress is address.add.
func AddAddress(link Link, cidr string) error {
	addressAdd(link.handle, cidr, area())
	return done()
}

// RemoveAddress is address.remove.
func RemoveAddress(link Link, cidr string) error {
	addressRemove(link.handle, cidr, area())
	return done()
}

// ListAddresses is address.list.
func ListAddresses(link Link) ([]string, error) {
	addressList(link.handle, area())
	return texts()
}

//go:wasmimport orchestrator:net/route@0.1.0 add
func routeAdd(netns int32, destination, gateway string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/route@0.1.0 add-via
func routeAddVia(link int32, destination, gateway string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/route@0.1.0 add-on-link
func routeAddOnLink(link int32, destination string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/route@0.1.0 remove
func routeRemove(netns int32, destination string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/route@0.1.0 list
func routeList(netns int32, answer unsafe.Pointer)

// AddRoute is route.add.
func AddRoute(netns Netns, destination, gateway string) error {
	routeAdd(netns.handle, destination, gateway, area())
	return done()
}

// AddRouteVia is route.add-via.
func AddRouteVia(link Link, destination, gateway string) error {
	routeAddVia(link.handle, destination, gateway, area())
	return done()
}

// AddRouteOnLink is route.add-on-link.
func AddRouteOnLink(link Link, destination string) error {
	routeAddOnLink(link.handle, destination, area())
	return done()
}

// RemoveRoute is route.remove.
func RemoveRoute(netns Netns, destination string) error {
	routeRemove(netns.handle, destination, area())
	return done()
}

// ListRoutes is route.list.
func ListRoutes(netns Netns) ([]string, error) {
	routeList(netns.handle, area())
	return texts()
}

//go:wasmimport orchestrator:net/lab@0.1.0 name
func labName(answer unsafe.Pointer)

//go:wasmimport orchestrator:net/lab@0.1.0 apply
func labApply(answer unsafe.Pointer)

//go:wasmimport orchestrator:net/lab@0.1.0 wait
func labWait(timeoutMs uint32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/lab@0.1.0 log
func labLog(message string)

// LabName is lab.name.
func LabName() string { return onText(labName) }

// Apply is lab.apply.
func Apply() error {
	labApply(area())
	return done()
}

// Wait is lab.wait.
func Wait(timeout time.Duration) error {
	labWait(milliseconds(timeout), area())
	return done()
}

// Log is lab.log.
func Log(message string) { labLog(message) }

// Outcome tells what became of a ping.
type Outcome byte

// The outcomes, as wit/probe.wit has them.
const (
	Reply Outcome = iota
	NoReply
	NoWay
)

// PingResult is a ping that could be tried, whatever came of it.
type PingResult struct {
	Outcome Outcome
	// Message is one line for people, empty for a reply; Errno the errno of NoWay.
	Message, Errno string
	Sent, Received uint32
	// RoundTrip is the shortest.
	RoundTrip time.Duration
}

func (r PingResult) String() string {
	if r.Outcome != Reply {
		return r.Message
	}
	return fmt.Sprintf("reply in %.2f ms", float64(r.RoundTrip.Microseconds())/1000)
}

//go:wasmimport orchestrator:net/probe@0.1.0 ping
func probePing(source int32, target string, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/probe@0.1.0 ping-within
func probePingWithin(source int32, target string, count, timeoutMs uint32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/probe@0.1.0 ping-all
func probePingAll(sources unsafe.Pointer, sourceCount uint32, targets unsafe.Pointer, targetCount, timeoutMs uint32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/probe@0.1.0 links
func probeLinks(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/probe@0.1.0 addresses
func probeAddresses(netns int32, answer unsafe.Pointer)

//go:wasmimport orchestrator:net/probe@0.1.0 routes
func probeRoutes(netns int32, answer unsafe.Pointer)

// Ping is probe.ping.
func Ping(source Netns, target string) (PingResult, error) {
	probePing(source.handle, target, area())
	return pinged()
}

// PingWithin is probe.ping-within.
func PingWithin(source Netns, target string, count uint32, timeout time.Duration) (PingResult, error) {
	probePingWithin(source.handle, target, count, milliseconds(timeout), area())
	return pinged()
}

// milliseconds rounds up, so that a short time is none only if it is 0 or less.
func milliseconds(timeout time.Duration) uint32 {
	whole := (timeout + time.Millisecond - 1) / time.Millisecond
	return uint32(min(max(whole, 0), math.MaxUint32))
}

// PingAll is probe.ping-all: each source pings the target at its place, all at once.
func PingAll(sources []Netns, targets []string, timeout time.Duration) ([]PingResult, error) {
	// All texts in one place, as the addresses in words keep nothing where it is.
	all := []byte(strings.Join(targets, ""))
	var pinner runtime.Pinner
	defer pinner.Unpin()
	if len(all) > 0 {
		pinner.Pin(unsafe.SliceData(all))
	}
	words := make([][2]uint32, len(targets))
	place := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(all))))
	for i, target := range targets {
		words[i] = [2]uint32{place, uint32(len(target))}
		place += uint32(len(target))
	}
	from, to := unsafe.Pointer(unsafe.SliceData(sources)), unsafe.Pointer(unsafe.SliceData(words))
	probePingAll(from, uint32(len(sources)), to, uint32(len(words)), milliseconds(timeout), area())
	defer func() { held = held[:0] }()
	if err := failure(); err != nil {
		return nil, err
	}
	results := make([]PingResult, answer[2])
	for i, words := range unsafe.Slice((*[8]uint32)(at(answer[1])), answer[2]) {
		results[i] = pingResult(words)
	}
	return results, nil
}

// ProbeLinks is probe.links.
func ProbeLinks(netns Netns) ([]string, error) {
	probeLinks(netns.handle, area())
	return texts()
}

// ProbeAddresses is probe.addresses.
func ProbeAddresses(netns Netns) ([]string, error) {
	probeAddresses(netns.handle, area())
	return texts()
}

// ProbeRoutes is probe.routes.
func ProbeRoutes(netns Netns) ([]string, error) {
	probeRoutes(netns.handle, area())
	return texts()
}

func pinged() (PingResult, error) {
	defer func() { held = held[:0] }()
	if err := failure(); err != nil {
		return PingResult{}, err
	}
	return pingResult([8]uint32(answer[1:9])), nil
}

func pingResult(words [8]uint32) PingResult {
	return PingResult{
		Outcome:   Outcome(byte(words[0])),
		Message:   text(words[1], words[2]),
		Errno:     text(words[3], words[4]),
		Sent:      words[5],
		Received:  words[6],
		RoundTrip: time.Duration(words[7]) * time.Microsecond,
	}
}
