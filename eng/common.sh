# Shared by ./interceptor, ./test and the scripts in eng/. POSIX sh; sourced with $root set to the project's folder.

say() { printf 'interceptor: %s\n' "$*" >&2; }

# The .NET SDK is the one thing that Debian's own archive does not have.
require_sdk() {
    if ! command -v dotnet >/dev/null 2>&1; then
        for candidate in /usr/share/dotnet /usr/lib/dotnet "$HOME/.dotnet"; do
            [ -x "$candidate/dotnet" ] && PATH="$candidate:$PATH" && break
        done
    fi
    if ! command -v dotnet >/dev/null 2>&1 || ! dotnet --list-sdks 2>/dev/null | grep -q '^10\.'; then
        say "the .NET 10 SDK is not installed. Install it and run this again:"
        say "    curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
        say "or, where Microsoft's package feed is set up:  apt-get install -y dotnet-sdk-10.0"
        exit 3
    fi
}

# True if a tool is there, also where a user's PATH leaves out the administrator's folders.
has_tool() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

has_library() {
    for directory in /usr/lib/*-linux-gnu /lib/*-linux-gnu /usr/lib /usr/lib64; do
        [ -e "$directory/$1" ] && return 0
    done
    return 1
}

# missing_packages tool:package... prints the packages whose tool (or library, or file by its whole path) is absent.
missing_packages() {
    for pair in "$@"; do
        case "${pair%%:*}" in
            /*) [ -e "${pair%%:*}" ] || printf '%s ' "${pair#*:}" ;;
            lib*) has_library "${pair%%:*}" || printf '%s ' "${pair#*:}" ;;
            *) has_tool "${pair%%:*}" || printf '%s ' "${pair#*:}" ;;
        esac
    done
}

# Installs packages as root; says the exact command to anyone else, and goes on: what needs them says so itself.
ensure_packages() {
    missing=$(missing_packages "$@")
    [ -z "$missing" ] && return 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing: $missing"
        # shellcheck disable=SC2086 # a list of names
        if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } </dev/null >"$root/artifacts/apt.log" 2>&1; then
            tail -n 5 "$root/artifacts/apt.log" >&2
            say "installing failed; the whole output is in artifacts/apt.log. Run this again when it is mended:  apt-get install -y $missing"
            return 1
        fi
    else
        say "not installed: $missing"
        say "install with:  sudo apt-get install -y $missing"
    fi
}

runtime_packages="libpcap.so.0.8:libpcap0.8 libzstd.so.1:libzstd1 iptables:iptables ip:iproute2 unshare:util-linux"

# A number that changes when any source or project file is added, removed or changed.
source_fingerprint() {
    find "$root/Packets" "$root/Interop" "$root/Tcp" "$root/Filters" "$root/Capture" "$root/Checkpoint" "$root/Replay" "$root/Cli" \
        "$root/Directory.Build.props" "$root/Directory.Packages.props" "$root/global.json" \
        \( -name bin -o -name obj \) -prune -o -type f -printf '%P %T@ %s\n' | LC_ALL=C sort | cksum
}
