class ChannelFilter:
    @classmethod
    def parse(cls, text):
        return cls()
