package demo;

public class Other {
    int field;

    static String run() {
        return "new";
    }
}
