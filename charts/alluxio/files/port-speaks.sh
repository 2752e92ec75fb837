# Whether a gRPC server serves on port $0 of this pod: it speaks first, and its first frame begins with a zero byte. A port that is
# only held open takes the connection and stays silent.
exec 3<>"/dev/tcp/127.0.0.1/$0" && IFS= read -r -d '' -n 1 -t 2 -u 3 _
