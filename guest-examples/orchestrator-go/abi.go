package orchestrator

import "unsafe"

// How values come back: the canonical ABI of the component model. A call that can fail writes to answer whether it has, and then what it
// returns or why not. Texts and lists are put where cabi_realloc says; they are held until they have been copied.

var (
	answer [10]uint32
	held   [][]uint64
)

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldSize, _, size uint32) unsafe.Pointer {
	place := make([]uint64, size/8+1)
	held = append(held, place)
	pointer := unsafe.Pointer(unsafe.SliceData(place))
	if old != nil {
		copy(unsafe.Slice((*byte)(pointer), size), unsafe.Slice((*byte)(old), oldSize))
	}
	return pointer
}

func area() unsafe.Pointer { return unsafe.Pointer(&answer) }

func at(word uint32) unsafe.Pointer { return unsafe.Add(unsafe.Pointer(nil), word) }

func text(pointer, length uint32) string {
	return string(unsafe.Slice((*byte)(at(pointer)), length))
}

// done returns the error of the call that was made last, and lets go of what it held.
func done() error {
	defer func() { held = held[:0] }()
	return failure()
}

func failure() error {
	if byte(answer[0]) == 0 {
		return nil
	}
	return &Error{
		Code:    Code(byte(answer[1])),
		Message: text(answer[2], answer[3]),
		Errno:   text(answer[4], answer[5]),
	}
}

func onText(call func(unsafe.Pointer)) string {
	var place [2]uint32
	call(unsafe.Pointer(&place))
	defer func() { held = held[:0] }()
	return text(place[0], place[1])
}

func texts() ([]string, error) {
	defer func() { held = held[:0] }()
	if err := failure(); err != nil {
		return nil, err
	}
	all := make([]string, answer[2])
	for i, pair := range unsafe.Slice((*[2]uint32)(at(answer[1])), answer[2]) {
		all[i] = text(pair[0], pair[1])
	}
	return all, nil
}

func handles() ([]Link, error) {
	defer func() { held = held[:0] }()
	if err := failure(); err != nil {
		return nil, err
	}
	return append([]Link(nil), unsafe.Slice((*Link)(at(answer[1])), answer[2])...), nil
}

func oneLink() (Link, error) {
	if err := done(); err != nil {
		return Link{}, err
	}
	return Link{int32(answer[1])}, nil
}

func oneNetns() (Netns, error) {
	if err := done(); err != nil {
		return Netns{}, err
	}
	return Netns{int32(answer[1])}, nil
}

func oneBool() (bool, error) {
	err := done()
	return err == nil && byte(answer[1]) != 0, err
}
