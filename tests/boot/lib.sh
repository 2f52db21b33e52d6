# SPDX-License-Identifier: GPL-2.0-only
# For the scripts here that watch a guest from the host: $log is its console, /tmp/ctl takes orders, $me is who speaks.

fail() {
	cat $log
	echo "$me: FAIL $*"
	exit 1
}

# Wait until a line of the log matches. The limit is that of a guest that is dead, not of a slow one.
until_line() {
	n=0
	until grep -q "$1" $log; do
		n=$((n + 1))
		[ $n -gt 1000 ] && fail "no line '$1'"
		sleep 0.2
	done
}

# An order that must be answered with ok, and with $2 in the answer.
order() {
	answer=$(nestvm --send /tmp/ctl "$1")
	echo "$me: $1: $answer"
	case "$answer" in
	ok*"$2"*) ;;
	*) fail "$1: $answer" ;;
	esac
}
